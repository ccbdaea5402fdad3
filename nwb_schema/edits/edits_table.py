"""The sample's own table of edits, in the file: a DynamicTable of texts that plain pynwb reads.

``nwbfile.processing["fluorite"]["edits"].to_dataframe()``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.edits.change import decode, encode
from nwb_schema.edits.record import EditKind, EditRecord
from nwb_schema.edits.tables import new_table, processing_module
from nwb_schema.layout import EDITS
from nwb_schema.names import clean_text

_COLUMNS = {
    "edit_id": "UUID of the edit.",
    "timestamp": "When it was made, ISO 8601 in UTC; the order of the rows is what counts.",
    "actor": "Who made it.",
    "kind": "What was done, in a word.",
    "what": "What was done, in a line.",
    "reason": "Why, as the person said it.",
    "undoes": "edit_id of the edit that an undo took back, or a redo did again.",
    "changes": "JSON list of [kind, roi_uuid, name, before, after], one for every value that was changed.",
}


def read_ids(file: h5py.File) -> tuple[str, ...]:
    """``id`` of every edit in the file, in order."""
    table = local_hdf5.local_group(file, EDITS)
    return () if table is None else local_hdf5.texts(table, "edit_id")


def read_records(file: h5py.File, *, changes: bool = True) -> tuple[EditRecord, ...]:
    """Every edit in the file, in order; without `changes`, theirs are left out, which is faster.

    Raises
    ------
    ValueError
        When the table is damaged.
    """
    table = local_hdf5.local_group(file, EDITS)
    if table is None:
        return ()
    names = [name for name in _COLUMNS if changes or name != "changes"]
    # Another program may have put in what a terminal would obey.
    columns = {name: [clean_text(text) for text in local_hdf5.texts(table, name)] for name in names}
    if len({len(values) for values in columns.values()}) != 1:
        raise ValueError("the columns of its table of edits differ in length")
    identifier = local_hdf5.text(file, "identifier") or ""
    return tuple(
        EditRecord(
            id=edit_id,
            sample=identifier,
            at=columns["timestamp"][row],
            actor=columns["actor"][row],
            kind=EditKind(columns["kind"][row]),
            what=columns["what"][row],
            reason=columns["reason"][row],
            undoes=columns["undoes"][row],
            changes=decode(columns["changes"][row]) if changes else (),
        )
        for row, edit_id in enumerate(columns["edit_id"])
    )


def append_records(file: h5py.File, records: Sequence[EditRecord]) -> None:
    """Add rows to the table of edits, and the table where the file has none yet."""
    if not records:
        return
    if EDITS not in file:
        module = processing_module(file)
        new_table(module, "edits", "Every edit that people made, oldest first.", _COLUMNS)
    table = file[EDITS]
    first = table["id"].shape[0]
    ids = np.arange(first, first + len(records), dtype=np.int64)
    _append(table["id"], ids)
    rows = [_row(record) for record in records]
    for name in _COLUMNS:
        _append(table[name], np.array([row[name] for row in rows], dtype=object))


def _row(record: EditRecord) -> dict[str, str]:
    return {
        "edit_id": record.id,
        "timestamp": record.at,
        "actor": record.actor,
        "kind": record.kind.value,
        "what": record.what,
        "reason": record.reason,
        "undoes": record.undoes,
        "changes": encode(record.changes),
    }


def _append(data: h5py.Dataset, values: Iterable[object]) -> None:
    items = np.asarray(values)
    first = data.shape[0]
    data.resize(first + len(items), axis=0)
    data[first:] = items

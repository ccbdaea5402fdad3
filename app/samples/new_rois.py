"""ROIs that a page asks for: drawn, imported, merged or split; from what the browser sends to the edit.

The browser names each request (`NewRoiRequest.id`), so that one whose answer was lost can be sent again without making
its ROIs twice.
"""

from __future__ import annotations

import base64
import binascii
import tempfile
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.samples.store import SampleData
from nwb_schema.columns import ColumnDefinition
from nwb_schema.edits import Committed, EditRecord, NewRois
from nwb_schema.errors import EditError
from nwb_schema.project import Project

LARGEST_FILE_BYTES = 8 << 20
"""Of a file that a browser may send; a zip of a thousand ROIs has a tenth of it."""
_LARGEST_UNPACKED_BYTES = 64 << 20
_MOST_CORNERS = 5000
ACTIONS = ("draw", "import", "merge", "split")


@dataclass(frozen=True)
class NewRoiRequest:
    """What a person asks for.

    Attributes
    ----------
    action
        Of `ACTIONS`.
    id
        A UUID that the browser made.
    rois
        ``roi_uuid`` of those to be merged or split.
    shape
        What was drawn, as `pipeline.curation.mask_files.read_masks` has it in JSON; for a split also
        ``{"line": [[x, y], ...]}``. None for a split that is to find the parts itself.
    file
        Name and content of an ImageJ file, base64.
    neuropil
        Whether what surrounds new ROIs is taken off.
    tags
        Values for the new ROIs by the permanent key of the tag column.
    """

    action: str
    id: str
    rois: tuple[str, ...] = ()
    shape: Mapping[str, Any] | None = None
    file: tuple[str, str] = ("", "")
    neuropil: bool = False
    tags: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, sent: Mapping[str, Any], rois: tuple[str, ...]) -> NewRoiRequest:
        """What the browser sent, which may be anything.

        Raises
        ------
        EditError
            When it is no request.
        """
        shape, tags = sent.get("shape"), sent.get("tags") or {}
        try:
            id = str(uuid.UUID(sent.get("id")))
        except (ValueError, TypeError, AttributeError) as error:
            raise EditError("page", "sent new ROIs without a name", "Reload the page.") from error
        if (shape is not None and not isinstance(shape, Mapping)) or not isinstance(tags, Mapping):
            raise EditError("page", "sent a shape that is none", "Reload the page.")
        file = (str(sent.get("name") or ""), str(sent.get("content") or ""))
        return cls(sent["action"], id, rois, shape, file, sent.get("neuropil") is True, tags)

    def is_made(self, sample: SampleData) -> bool:
        """Whether the sample has these ROIs already."""
        return any(change.after[0] == self.id for record in sample.edits for change in _rows(record))

    def edit(self, project: Project, path: Path, columns: Mapping[str, ColumnDefinition]) -> NewRois:
        """The edit; its traces are read off the registered movie, which may take a while.

        Raises
        ------
        EditError
            When it cannot be made.
        """
        # Imported when it is needed, because it brings the engine, which takes a second.
        from pipeline.curation.neuropil import Neuropil
        from pipeline.curation.rois import add_edit, merge_edit, plane_of, split_edit

        if self.action == "merge":
            edit = merge_edit(project, path, self.rois)
        elif self.action == "split":
            if len(self.rois) != 1:
                raise EditError("split", f"{len(self.rois)} cells are selected", "Select the one that is to be split.")
            masks = None if self.shape is None else split_masks(self.shape, plane_of(path))
            edit = split_edit(project, path, self.rois[0], masks=masks)
        else:
            plane, tags = plane_of(path), self._tags(columns)
            drawn = self.action == "draw"
            masks = drawn_mask(self.shape or {}, plane)[None] if drawn else file_masks(*self.file, plane)
            edit = add_edit(project, path, masks, neuropil=Neuropil() if self.neuropil else None, tags=tags)
        name = uuid.UUID(self.id)
        keys = tuple(str(uuid.uuid5(name, str(number))) for number in range(len(edit.roi_uuids)))
        return replace(edit, content=self.id, roi_uuids=keys)

    def _tags(self, columns: Mapping[str, ColumnDefinition]) -> list[tuple[ColumnDefinition, Any]]:
        tags = dict(self.tags or {})
        for key in tags:
            if key not in columns:
                raise EditError(str(key)[:60], "the project has no such tag column any more", "Reload the page.")
        return [(columns[key], value) for key, value in tags.items()]


def made_rois(done: Committed) -> list[str]:
    """``roi_uuid`` of the ROIs that came into the sample."""
    return [change.target.roi for record in done.records for change in _rows(record)]


def drawn_mask(shape: Mapping[str, Any], plane: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels ``(height, width)`` of a drawn shape.

    Raises
    ------
    EditError
        When it is no shape, or has no pixel inside the frame.
    """
    from pipeline.curation.mask_files import shape_mask

    mask = _understood(shape_mask, shape, plane)
    if not mask.any():
        raise EditError("the shape", "holds the centre of no pixel of the frame", "Draw it larger, or zoom in.")
    return mask


def split_masks(shape: Mapping[str, Any], plane: tuple[int, int]) -> NDArray[np.bool_]:
    """The two parts ``(2, height, width)`` into which a drawn line, or shape, cuts the frame."""
    from pipeline.curation.shapes import sides_of

    if "line" in shape:
        return _understood(lambda entry, plane: sides_of(entry["line"], plane), shape, plane)
    inside = drawn_mask(shape, plane)
    return np.stack([inside, ~inside])


def file_masks(name: str, content: str, plane: tuple[int, int]) -> Any:
    """Footprints ``(n_rois, n_pixels)`` of the ROIs in an ImageJ file that a browser sent.

    Raises
    ------
    EditError
        When it is no such file, or too large.
    """
    from pipeline.curation.mask_files import read_masks

    shown, suffix = name[:80] or "the file", Path(name).suffix.lower()
    if suffix not in (".roi", ".zip"):
        raise EditError(shown, "is no ImageJ file", "Choose a .roi or .zip that ImageJ's ROI Manager saved.")
    try:
        data = base64.b64decode(content.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise EditError(shown, "did not arrive whole", "Choose it again.") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise EditError(shown, "is larger than 8 MiB", "Import it with: fluorite add-rois")
    with tempfile.TemporaryDirectory(prefix="fluorite-rois-") as folder:
        path = Path(folder) / f"rois{suffix}"
        path.write_bytes(data)
        try:
            if suffix == ".zip":
                _check_unpacked(path)
            return read_masks(path, plane)
        except (EditError, zipfile.BadZipFile) as error:
            if isinstance(error, EditError):
                raise EditError(shown, error.cause, error.remedy) from error
            raise EditError(shown, "is damaged, or no zip file", "Save it again in ImageJ.") from error


def _check_unpacked(path: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        if sum(entry.file_size for entry in packed.infolist()) > _LARGEST_UNPACKED_BYTES:
            raise EditError(path, "is larger than 64 MiB when unpacked", "It holds more than ROIs.")


def _understood(read: Any, shape: Mapping[str, Any], plane: tuple[int, int]) -> NDArray[np.bool_]:
    corners = next(iter(shape.values()), None)
    if isinstance(corners, Sequence) and len(corners) > _MOST_CORNERS:
        raise EditError("the shape", f"has more than {_MOST_CORNERS} corners", "Draw it more coarsely.")
    try:
        found: NDArray[np.bool_] = read(shape, plane)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        cause = " ".join(str(error).split())[:200]
        raise EditError("the shape", f"cannot be used ({cause})", "Draw it again.") from error
    return found


def _rows(record: EditRecord) -> list[Any]:
    return [change for change in record.changes if change.target.kind == "row" and isinstance(change.after, list)]

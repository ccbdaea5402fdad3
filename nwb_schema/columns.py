"""The columns that a project configures, as in Mesmerize: per ROI, per time period, per sample."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from nwb_schema.names import clean_text

_MAX_KEY_LENGTH = 60
_INT64 = range(-(2**63), 2**63)
_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class ColumnKind(StrEnum):
    """What a configured column belongs to."""

    ROI_TAG = "roi_tag"
    STIMULUS = "stimulus"
    CUSTOM = "custom"


class UnfitValue(ValueError):
    """A value that is not of a column's type; its text says what is expected."""


class ColumnType(StrEnum):
    """What the values of a configured column are."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    YES_NO = "yes/no"

    @property
    def replacement(self) -> Any:
        """The value that samples which lack the column get where the project declares none."""
        return {"text": "untagged", "integer": 0, "decimal": 0.0, "yes/no": False}[self.value]

    def convert(self, value: Any) -> Any:
        """`value` as str, int, float or bool, without losing anything of it.

        Takes what a person types, what another type of column holds, and NumPy's scalars.

        Raises
        ------
        UnfitValue
            When it is no such value: a text that is no number, 2.5 for an integer, an infinity.
        """
        if hasattr(value, "item") and not isinstance(value, (str, bytes)):
            value = value.item()
        text = _as_typed(value)
        if self is ColumnType.TEXT:
            return text
        plain = text.strip()
        if self is ColumnType.YES_NO:
            answer = _YES_NO.get(plain.lower())
            if answer is None:
                raise UnfitValue("write yes or no")
            return answer
        if isinstance(value, bool):
            return int(value) if self is ColumnType.INTEGER else float(value)
        if self is ColumnType.INTEGER:
            if isinstance(value, float) and value.is_integer():
                plain = str(int(value))
            if _INTEGER.fullmatch(plain) is None or len(plain) > 20 or int(plain) not in _INT64:
                raise UnfitValue("write a whole number")
            return int(plain)
        if _DECIMAL.fullmatch(plain) is None or not math.isfinite(float(plain)):
            raise UnfitValue("write a number such as 2.5")
        number = float(plain)
        if isinstance(value, int) and int(number) != value:
            raise UnfitValue("a decimal has 16 digits at most")
        return number


@dataclass(frozen=True)
class ColumnDefinition:
    """One configured column.

    Attributes
    ----------
    name
        As people write it; it may be changed.
    kind
        ROI tag column, stimulus type or custom column.
    type
        Of its values; a stimulus type's name is a text.
    replacement
        Value in samples that lack the column; the type's own where it is not given.
    vocabulary
        The only values allowed, or empty for any.
    hidden
        Not shown, and kept in every sample: nothing is ever deleted by a change of configuration.
    description
        One line for people.
    key
        The column's permanent name in every sample. Renaming changes `name` alone, so no sample is ever rewritten and
        what was stored under the old name is found under the new one. Made of `name` where it is not given.
    former_replacements
        Replacement values of former types. Stored where the present type cannot hold them, they mean "not set".
    """

    name: str
    kind: ColumnKind
    type: ColumnType = ColumnType.TEXT
    replacement: Any = None
    vocabulary: tuple[str, ...] = ()
    hidden: bool = False
    description: str = ""
    key: str = ""
    former_replacements: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.replacement is None:
            object.__setattr__(self, "replacement", self.type.replacement)
        if not self.key:
            # A stimulus type is a table of its own; the others are columns of a table that has some already.
            taken = () if self.kind is ColumnKind.STIMULUS else PYNWB_NAMES
            object.__setattr__(self, "key", column_key(self.name, taken))

    def read(self, stored: Any) -> Any:
        """The value to show where a sample stores `stored` (None: it lacks the column).

        Raises
        ------
        UnfitValue
            When the stored value is not of this column's type.
        """
        if stored is None:
            return self.replacement
        try:
            return self.type.convert(stored)
        except UnfitValue:
            if _as_typed(stored) in self.former_replacements:
                return self.replacement
            raise

    def check(self, value: Any) -> Any:
        """`value`, as a person gave it, in the form in which a sample stores it.

        Raises
        ------
        UnfitValue
            When it is not of this column's type, or not in its vocabulary.
        """
        value = self.type.convert(clean_text(value) if isinstance(value, str) else value)
        if not self.allows(value):
            raise UnfitValue(f"the vocabulary is {', '.join(self.vocabulary)}")
        return value

    def allows(self, value: Any) -> bool:
        """Whether the vocabulary has `value`; the replacement value is always allowed."""
        return not self.vocabulary or value in self.vocabulary or value == self.replacement

    def retyped(self, new: ColumnType, replacement: Any) -> ColumnDefinition:
        """The same column with values of another type."""
        former = dict.fromkeys((*self.former_replacements, _as_typed(self.replacement)))
        return replace(self, type=new, replacement=replacement, former_replacements=tuple(former))


def column_key(name: str, taken: Collection[str] = ()) -> str:
    """A permanent name for a column called `name`: one that HDF5 and pynwb take, and none of `taken`.

    >>> column_key("drug/state"), column_key("drug/state", {"drug_state"})
    ('drug_state', 'drug_state_2')
    """
    key = re.sub(r"[^\w -]+", "_", clean_text(name)).strip(" ")
    if not key.strip("_") or len(key) > _MAX_KEY_LENGTH:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        key = f"{key.strip('_')[: _MAX_KEY_LENGTH - 9] or 'column'}_{digest}"
    folded = {other.casefold() for other in taken}
    number, candidate = 1, key
    while candidate.casefold() in folded or candidate.startswith("_"):
        number += 1
        candidate = f"{key.lstrip('_')}_{number}"
    return candidate


_TAKEN = """
add_column add_interval add_meanings_table add_roi add_row all_children all_objects children colnames columns
container_source copy create_region create_roi_table_region css_style data_type description fields from_dataframe
generate_html_repr generate_new_id get get_ancestor get_ancestors get_duration get_fields_conf get_foreign_columns
get_linked_tables get_meanings_for_column get_meanings_table get_read_io get_starting_time has_foreign_columns id
image_to_pixel imaging_plane js_script meanings_tables modified name namespace neurodata_type object_id parent
pixel_to_image read_io reference_images reset_parent set_data_io set_modified to_dataframe type_hierarchy image_mask
pixel_mask pixel_mask_index voxel_mask voxel_mask_index is_accepted evaluated roi_uuid roi_name snr r_values
cnn_preds iscell is_cell accepted roi_origin roi_parents start_time stop_time tags tags_index timeseries
timeseries_index label colour
"""
PYNWB_NAMES = frozenset(_TAKEN.split())
"""Names that a table column cannot have: pynwb would read its own attribute instead, or we use them."""


def _as_typed(value: Any) -> str:
    """How a person would type `value`."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else str(value)

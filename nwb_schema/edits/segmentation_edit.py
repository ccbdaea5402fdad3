"""Another segmentation takes the place of a sample's: new ROIs, traces and images, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.kept import copy_segmentation
from nwb_schema.edits.record import EditKind
from nwb_schema.edits.sample_state import SampleState


@dataclass(frozen=True, eq=False)
class ReplaceSegmentation:
    """The segmentation of a sample is replaced; the former one is kept, so that this is undone like any edit.

    Attributes
    ----------
    source
        An NWB file that holds the new one where a sample does (`nwb_schema.edits.kept`).
    content
        ``object_id`` of its ROI table, under which it is kept.
    what
        One line for people.
    """

    source: Path
    content: str
    what: str

    @property
    def kind(self) -> EditKind:
        """Segmentation."""
        return EditKind.SEGMENTATION

    def describe(self) -> str:
        """One line on what is done."""
        return self.what

    def keep(self, contents: Contents) -> None:
        """Put the new segmentation where the journal's entry will look for it."""

        def fill(kept: h5py.File) -> None:
            with h5py.File(self.source, "r") as file:
                copy_segmentation(file, kept)

        contents.put(self.content, fill)

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        yield Change(Target("segmentation", ""), state.value(Target("segmentation", "")), self.content)

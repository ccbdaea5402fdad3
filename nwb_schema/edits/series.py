"""A series of behaviour is brought into a sample, or taken out of it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import h5py

from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.kept import SERIES
from nwb_schema.edits.record import EditKind
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.errors import EditError, StimulusError


@dataclass(frozen=True, eq=False)
class SetSeries:
    """One series measured beside the movie.

    Attributes
    ----------
    name
        In the processing module ``behavior``.
    write
        Fills the group of the NWB ``TimeSeries``; None removes the series.
    existing
        What to do when there is one of this name.
    content
        Its ``object_id``, under which it is kept.
    """

    name: str
    write: Callable[[h5py.Group], None] | None
    existing: Literal["refuse", "replace"] = "refuse"
    content: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def kind(self) -> EditKind:
        """Behaviour."""
        return EditKind.BEHAVIOUR

    def describe(self) -> str:
        """One line on what is done."""
        return f"{'removed' if self.write is None else 'loaded'} the series {self.name[:60]}"

    def keep(self, contents: Contents) -> None:
        """Put the series where the journal's entry will look for it."""
        if self.write is not None:
            write = self.write

            def fill(file: h5py.File) -> None:
                group = file.create_group(SERIES)
                write(group)
                group.attrs["object_id"] = self.content

            contents.put(self.content, fill)

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        now = state.series.get(self.name)
        if self.write is None:
            if now is None:
                raise EditError(self.name[:60], "the sample has no such series", "See what it has.")
            yield Change(Target("series", self.name), now, None)
            return
        if now is not None and self.existing == "refuse":
            raise StimulusError(self.name[:60], "the sample has a series of this name already", "Use --replace.")
        yield Change(Target("series", self.name), now, self.content)

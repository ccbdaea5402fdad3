"""Another judgement of the components: it changes what counts as a cell where no person decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nwb_schema.columns import ColumnType
from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.flags import column_made, differing
from nwb_schema.edits.record import EditKind
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.layout import CURATED

EVALUATED = "evaluated"
_DESCRIPTION = "Whether an evaluation step decided is_accepted; where False, nothing was looked at."


@dataclass(frozen=True, eq=False)
class Evaluate:
    """ROIs are accepted or rejected by a rule; those that a person accepted or rejected stay as they are.

    Attributes
    ----------
    accepted
        Whether the rule accepts it, by ``roi_uuid``; ROIs that it cannot judge are left out.
    rule
        The rule in a few words, for people.
    """

    accepted: Mapping[str, bool]
    rule: str

    @property
    def kind(self) -> EditKind:
        """Evaluate."""
        return EditKind.EVALUATE

    def describe(self) -> str:
        """One line on what is done."""
        return f"evaluated: {self.rule}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        curated = state.columns.get(CURATED)
        judged = {
            roi: flag
            for roi, flag in self.accepted.items()
            if roi in state.rows and not (curated is not None and curated.values[state.rows[roi]])
        }
        yield from column_made(state, EVALUATED, ColumnType.YES_NO, False, _DESCRIPTION)
        for name, values in (("is_accepted", judged), (EVALUATED, dict.fromkeys(judged, True))):
            column = state.columns.get(name)
            for roi, flag in values.items():
                before = False if column is None else column.values[state.rows[roi]]
                yield from differing(Change(Target("roi", name, roi), before, flag))

"""Choose another result for a sample: the results file of another run, or of another program."""

from __future__ import annotations

from pathlib import Path

from nwb_schema.errors import ResultsError
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.reader import read_summary
from nwb_schema.resegmentation import Replaced, replace_segmentation
from pipeline.foreign.drawn import is_drawn
from pipeline.foreign.finding import read_found, results_at
from pipeline.version import __version__


def import_into(project: Project, path: Path, results: Path, *, actor: str, reason: str = "") -> Replaced:
    """Let the components of a results file take the place of a sample's; see `nwb_schema.resegmentation`.

    Parameters
    ----------
    path
        The sample's file.
    results
        Results of another run (``batch/<job>/results.hdf5``) or of another program, as `fluorite import` takes them.

    Raises
    ------
    ResultsError
        When they cannot be read, are several, or have no traces.
    EditError
        When they do not fit the sample, or others edited the sample meanwhile.
    """
    paths = results_at(results)
    if len(paths) > 1:
        names = ", ".join(map(str, paths[:3]))
        raise ResultsError(results, f"holds {len(paths)} results", f"Give one of them: {names}.")
    if is_drawn(results):
        raise ResultsError(
            results, "holds ROIs without traces", "Add them to the sample with: fluorite add-rois DIR SAMPLE FILE"
        )
    found = read_found(paths[0], rate_hz=read_summary(path).rate_hz)
    provenance = Provenance(
        engine=found.engine,
        engine_version=found.engine_version,
        parameters=found.parameters,
        parameters_sha256=found.parameters_sha256,
        input_files=tuple(str(file.resolve()) for file in found.files),
        fluorite_version=__version__,
        notes=(f"Segmentation replaced by that of {results.name}.", *found.notes),
    )
    return replace_segmentation(
        project, path, found.segmentation, provenance, source=results.name, actor=actor, reason=reason
    )

"""Choose another result for a sample: the results file of another run, or of another program."""

from __future__ import annotations

from pathlib import Path

from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.reader import read_summary
from nwb_schema.resegmentation import Replaced, replace_segmentation
from pipeline.foreign.finding import read_traced
from pipeline.variants.run_record import read_run
from pipeline.version import __version__


def import_into(
    project: Project, path: Path, results: Path, *, actor: str, reason: str = "", source: str | None = None
) -> Replaced:
    """Let the components of a results file take the place of a sample's; see `nwb_schema.resegmentation`.

    Parameters
    ----------
    path
        The sample's file.
    results
        Results of another run (``batch/<job>/results.hdf5``) or of another program, as `fluorite import` takes them.
    source
        What people call it; the file's name when not given.

    Raises
    ------
    ResultsError
        When they cannot be read, are several, or have no traces.
    EditError
        When they do not fit the sample, or others edited the sample meanwhile.
    """
    found = read_traced(results, rate_hz=read_summary(path).rate_hz)
    run, name = read_run(results), source or results.name
    # Results of a job of this project are known by it: that is how a list of them tells which one the sample has.
    folder = results.resolve().parent
    job_id = folder.name if folder.parent == project.batch_dir.resolve() else ""
    provenance = Provenance(
        engine=found.engine,
        engine_version=found.engine_version,
        parameters=found.parameters,
        parameters_sha256=found.parameters_sha256,
        input_files=tuple(str(file.resolve()) for file in found.files),
        fluorite_version=__version__,
        job_id=job_id,
        notes=(
            f"Segmentation replaced by that of {name}.",
            *(run.notes if run is not None else ()),
            *found.notes,
        ),
        seconds={stage: value for stage, value in (run.seconds if run is not None else {}).items() if stage != "total"},
    )
    return replace_segmentation(project, path, found.segmentation, provenance, source=name, actor=actor, reason=reason)

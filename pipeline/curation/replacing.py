"""Choose another result for a sample: the results file of another run, or of another program."""

from __future__ import annotations

from pathlib import Path

from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.reader import read_summary
from nwb_schema.resegmentation import Replaced, replace_segmentation
from pipeline.results import read_engine, read_parameters, read_results, read_results_notes
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
        An HDF5 file in the layout of CaImAn's ``CNMF.save``, such as ``batch/<job>/results.hdf5`` of another run.
    source
        What people call it; the file's name when not given.

    Raises
    ------
    ResultsError
        When it cannot be read.
    EditError
        When it does not fit the sample, or others edited the sample meanwhile.
    """
    segmentation = read_results(results, rate_hz=read_summary(path).rate_hz)
    engine, version = read_engine(results)
    parameters, digest = read_parameters(results)
    run, name = read_run(results), source or results.name
    # Results of a job of this project are known by it: that is how a list of them tells which one the sample has.
    folder = results.resolve().parent
    job_id = folder.name if folder.parent == project.batch_dir.resolve() else ""
    provenance = Provenance(
        engine=engine,
        engine_version=version,
        parameters=parameters,
        parameters_sha256=digest,
        input_files=(str(results.resolve()),),
        fluorite_version=__version__,
        job_id=job_id,
        notes=(
            f"Segmentation replaced by that of {name}.",
            *(run.notes if run is not None else ()),
            *read_results_notes(results),
        ),
        seconds={stage: value for stage, value in (run.seconds if run is not None else {}).items() if stage != "total"},
    )
    return replace_segmentation(project, path, segmentation, provenance, source=name, actor=actor, reason=reason)

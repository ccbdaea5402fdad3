"""``fluorite demo``: a project with simulated recordings, processed like real ones."""

from __future__ import annotations

from pathlib import Path

import click

from pipeline.commands.console import log_to_stderr

# Two sessions of one animal; their movies are small enough for a laptop to finish in a minute.
_SESSIONS = (("day1", 11), ("day2", 12))


def make_demo(folder: Path) -> str:
    """Make the demo project in `folder` and process its movies; what is there already is left as it is.

    Returns
    -------
    str
        The identifier of its first sample.
    """
    from nwb_schema.project import Project
    from nwb_schema.reader import read_summary
    from pipeline.commands.running import run_in_foreground
    from pipeline.process import check_request
    from pipeline.request import parse_request
    from pipeline.simulate import simulate_movie, write_simulation

    log_to_stderr()
    project = Project.open(folder) if (folder / "project.toml").exists() else Project.create(folder, name="Demo")
    raw = project.folder / "raw"
    raw.mkdir(exist_ok=True)
    for session, seed in _SESSIONS:
        if project.sample_path("demo-mouse", session).exists():
            continue
        movie = raw / f"{session}.tif"
        if not movie.exists():
            click.echo(f"Simulating {movie.name} ...", err=True)
            simulation = simulate_movie("2p", n_frames=1000, height=128, width=160, n_cells=35, rate_hz=15.0, seed=seed)
            write_simulation(simulation, movie)
        request = parse_request(
            {
                "movies": [str(movie)],
                "subject": "demo-mouse",
                "session": session,
                "metadata": _METADATA,
                "metadata_file": "the demo's metadata",
            }
        )
        check_request(project, request)
        report = run_in_foreground(project, "process", request.model_dump(mode="json"), title=request.title)
        click.echo(f"{report['sample']}: {report['n_accepted']} of {report['n_rois']} cells accepted", err=True)

    return read_summary(project.sample_path("demo-mouse", _SESSIONS[0][0])).identifier


_METADATA = {
    "NWBFile": {
        "session_description": "Simulated two-photon recording of the Fluorite demo",
        "keywords": ["calcium imaging", "simulated"],
    },
    "Subject": {"species": "Mus musculus", "sex": "U", "age": "P90D", "description": "A simulated animal"},
    "Ophys": {
        "Device": [{"name": "Simulator", "description": "pipeline.simulate of Fluorite"}],
        "ImagingPlane": [
            {
                "indicator": "GCaMP6f",
                "location": "simulated cortex",
                "excitation_lambda": 920.0,
                "optical_channel": [{"emission_lambda": 510.0}],
            }
        ],
    },
}

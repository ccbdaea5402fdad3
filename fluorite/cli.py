"""The command ``fluorite``: puts the commands of `pipeline` and the dashboard of `app` together."""

from __future__ import annotations

import os
import signal
import sys
import webbrowser
from pathlib import Path

import click

from fluorite.version import __version__
from pipeline.commands.cmd_adopt import adopt
from pipeline.commands.cmd_behaviour import behaviour
from pipeline.commands.cmd_bench import bench
from pipeline.commands.cmd_catalogue import filters, index, rois, samples
from pipeline.commands.cmd_check import check
from pipeline.commands.cmd_check_caiman import check_caiman
from pipeline.commands.cmd_config import config
from pipeline.commands.cmd_decide import accept, delete, reject, restore
from pipeline.commands.cmd_demo import make_demo
from pipeline.commands.cmd_evaluate import evaluate
from pipeline.commands.cmd_export import export
from pipeline.commands.cmd_figure import figure
from pipeline.commands.cmd_import import import_
from pipeline.commands.cmd_init import init
from pipeline.commands.cmd_log import log
from pipeline.commands.cmd_params import params
from pipeline.commands.cmd_picture import picture
from pipeline.commands.cmd_process import process
from pipeline.commands.cmd_results import results
from pipeline.commands.cmd_set import set_values
from pipeline.commands.cmd_shape import add_rois, merge, split
from pipeline.commands.cmd_stimuli import stimuli
from pipeline.commands.cmd_tag import tag
from pipeline.commands.cmd_trash import trash
from pipeline.commands.cmd_undo import redo, undo
from pipeline.commands.cmd_variants import variants
from pipeline.commands.console import ends_cleanly

_host = click.option("--host", default="127.0.0.1", show_default=True, help="Only this computer can be served so far.")
_port = click.option("--port", default=8050, show_default=True, type=click.IntRange(0, 65535))
_browser = click.option("--browser/--no-browser", default=True, help="Open the page in the web browser.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="fluorite")
def main() -> None:
    """From a calcium-imaging movie to curated, traceable cells: one NWB file per recording, in your browser."""


@main.command("serve")
@click.argument("folders", metavar="[DIR...]", nargs=-1, type=click.Path(path_type=Path))
@_host
@_port
@_browser
@ends_cleanly
def serve(folders: tuple[Path, ...], host: str, port: int, browser: bool) -> None:
    """Open the dashboard of the project in DIR; without one, or with several, a page to choose from."""
    if len(folders) == 1:
        _serve(folders[0], host, port, browser)
        return
    from app.servers.home import serve_home

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    serve_home(host, port, projects=folders, on_ready=lambda url: _announce(url, "", browser))


@main.command("worker")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--processes", default=2, show_default=True, type=click.IntRange(1, 64), help="Calls worked on at a time."
)
@ends_cleanly
def worker(folder: Path, processes: int) -> None:
    """Work on what the dashboard of DIR does in the background; for servers with FLUORITE_REDIS_URL."""
    from app.background.workers import redis_workers
    from app.servers.dashboard import create_app

    sys.exit(redis_workers().work(folder, processes, create_app))


@main.command("demo")
@click.option(
    "--project",
    "folder",
    metavar="DIR",
    default="fluorite-demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where to make it; opened as it is when it is there already.",
)
@click.option("--no-serve", is_flag=True, help="Make and process it, but do not open the dashboard.")
@_port
@_browser
@ends_cleanly
def demo(folder: Path, no_serve: bool, port: int, browser: bool) -> None:
    """Make a demo project, process its simulated movies and open the dashboard."""
    identifier = make_demo(folder)
    if not no_serve:
        _serve(folder, "127.0.0.1", port, browser, page=f"sample/{identifier}?play=1")


def _serve(folder: Path, host: str, port: int, browser: bool, page: str = "") -> None:
    from app.servers.serve import serve as serve_dashboard

    # `kill` and a closing terminal end the server as Ctrl-C does; jobs go on in their own processes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    serve_dashboard(folder, host, port, on_ready=lambda url: _announce(url, page, browser))


def _announce(url: str, page: str, browser: bool) -> None:
    """Say where the dashboard is, and open the page."""
    click.echo(f"Fluorite is at {url} (Ctrl-C to stop)", err=True)
    if page:
        click.echo(f"Cells over a playing movie: {url}{page}", err=True)
    # Without a screen, Python would start a text browser in this terminal.
    has_screen = sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if browser and has_screen:
        webbrowser.open_new_tab(url + page)


for _command in (init, process, import_, adopt, params, samples, rois, filters, index, config, stimuli, behaviour):
    main.add_command(_command)
for _command in (
    tag,
    set_values,
    accept,
    reject,
    delete,
    restore,
    merge,
    split,
    add_rois,
    evaluate,
    log,
    undo,
    redo,
    trash,
):
    main.add_command(_command)
for _command in (variants, results, check, export, figure, picture, check_caiman, bench):
    main.add_command(_command)

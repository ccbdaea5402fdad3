"""Take the pictures of all pages, light and dark, that the documentation shows.

::

    python docs/take_pictures.py MOVIE [NAME ...]

Makes a project of a two-photon recording (the pictures there are of a real one, which is not in this repository),
curates it a little, opens every page in a headless Chromium, and writes ``docs/images/``. Look at them first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import fluorite
from nwb_schema.project import Project
from nwb_schema.saved_filters import SavedFilter, save_filter
from pipeline.benchmarks.browser import Browser, looking_at

IMAGES = Path(__file__).resolve().parent / "images"
# Whatever is still drawn after a page can be used: thumbnails, plots.
_SETTLE_S = 2.0

Do = Callable[[Browser], None]


@dataclass(frozen=True)
class Picture:
    """A page to take a picture of.

    Attributes
    ----------
    name
        Of the file, without ``.png``; the dark one is called so with ``-dark``.
    address
        Of the page; ``{sample}`` stands for the identifier of the sample.
    there
        Expression of JavaScript that holds when the page can be seen.
    prepare
        What is done on the page before.
    """

    name: str
    address: str
    there: str
    prepare: Do = lambda browser: None


def _click(selector: str) -> Do:
    # What lies below the first screen comes a little later.
    return _then(_shown(selector), lambda browser: browser.run(f"document.querySelector({selector!r}).click()"))


def _then(*steps: Do | str) -> Do:
    """Steps one after the other; a text is an expression that is waited for."""

    def do(browser: Browser) -> None:
        for step in steps:
            if isinstance(step, str):
                browser.measure(f"return when(() => {step});")
            else:
                step(browser)

    return do


def _shown(selector: str) -> str:
    return f"document.querySelector({selector!r})?.getBoundingClientRect().height > 0"


_SAMPLE = _shown("#roi-table .ag-row") + " && document.querySelector('#player').dataset.contours === 'ready'"
_TRACES = _shown("#traces .scatterlayer .js-line")
_CELLS = "window.fluorite.selectCells(window.fluorite.player.overlay.rois.slice(2, 5).map((roi) => roi.id))"
# Beside the project's folder, which is in the page's header, lie a results file and a folder of movies.
_BESIDE = "document.querySelector('.project-name').title.replace(/[^/]*$/, '')"
_CHOOSE_RESULTS = f"""
dash_clientside.set_props('import-results', {{ value: {_BESIDE} + 'day2/results.hdf5' }});
dash_clientside.set_props('import-subject', {{ value: 'm1' }});
"""
_CHOOSE_FOLDER = f"dash_clientside.set_props('batch-folder', {{ value: {_BESIDE} + 'recordings' }});"

HOME = (
    Picture("home", "/", _shown("main a, main button")),
    Picture("wizard", "/", _shown("#home-new"), _then(_click("#home-new"), _shown("#wizard-name"))),
)
PICTURES = (
    Picture("project-page", "/", _shown("#samples .ag-row")),
    Picture("sample-page", "/sample/{sample}?frame=120", f"{_SAMPLE} && {_TRACES}", _then(lambda b: b.run(_CELLS))),
    Picture(
        "heat-map",
        "/sample/{sample}",
        f"{_SAMPLE} && {_TRACES}",
        _then(
            _click("#heatmap-draw"),
            _shown("#heatmap .heatmaplayer image"),
            lambda b: b.run("document.querySelector('#heatmap').scrollIntoView({ block: 'center' })"),
        ),
    ),
    Picture(
        "figure-dialogue",
        "/sample/{sample}",
        f"{_SAMPLE} && {_TRACES}",
        _then(_click("#figure-open-traces"), "document.querySelector('#figure-preview').naturalWidth > 0"),
    ),
    Picture("metadata", "/details/{sample}", _shown("main input")),
    Picture("stimuli", "/stimuli/{sample}", _shown(".ag-row")),
    Picture(
        "browse",
        '/browse?level=rois&tab=Pyramidal&filters=[["cell_type","$STR=:pyramidal"]]',
        _shown("#browse-grid .ag-row [col-id=name] a"),
    ),
    Picture(
        "tune",
        "/tune?sample={sample}",
        _shown("#tune-open"),
        _then(_click("#tune-open"), "document.querySelector('#tune-stage').dataset.ready"),
    ),
    Picture("parameters", "/parameters", _shown("main input")),
    Picture("results", "/results/{sample}", _shown("main img")),
    Picture("comparing", "/compare/{sample}", _shown("#compare-outlines .scatterlayer .js-line")),
    Picture("configuration", "/configuration", _shown(".ag-row")),
    Picture(
        "batch-page",
        "/batch",
        _shown("#batch-folder"),
        _then(lambda b: b.run(_CHOOSE_FOLDER), _click("#batch-look"), _shown("#batch-grid .ag-row")),
    ),
    Picture(
        "import-page",
        "/import",
        _shown("#import-results"),
        _then(lambda b: b.run(_CHOOSE_RESULTS), "document.querySelector('#import-found dl.facts')"),
    ),
    Picture("export-page", "/export", _shown("#export-findings li")),
)


def make_project(folder: Path, movie: Path) -> tuple[Project, str]:
    """A project with one curated recording, and the identifier of that; two results, so that they can be compared."""
    fluorite.create_project(folder, name="Visual cortex")
    sample = "sub-m1_ses-day1_ophys"
    gratings = folder.parent / "gratings.csv"
    rows = [f"{start},{start + 6},{45 * (number % 4)}" for number, start in enumerate(range(4, 80, 12))]
    gratings.write_text("\n".join(["start,stop,name", *rows]), encoding="utf-8")
    kept = ["--project", str(folder)]
    for command in (
        ["config", str(folder), "add-column", "cell_type", "--kind", "roi_tag"],
        ["config", str(folder), "add-column", "gratings", "--kind", "stimulus"],
        ["process", str(movie), *kept, "--subject", "m1", "--session", "day1"],
        ["process", *kept, "--variant-of", sample, "--label", "small cells", "--param", "gSig=3"],
        ["stimuli", str(folder), sample, str(gratings), "--type", "gratings", "--seconds"],
    ):
        subprocess.run([sys.executable, "-m", "fluorite", *command], check=True)
    recordings = folder.parent / "recordings"
    recordings.mkdir()
    for name in ("m2_day1_20260301", "m2_day2_20260302", "m3_day1_20260301", "overview"):
        (recordings / f"{name}.tif").symlink_to(movie)
    day2 = folder.parent / "day2"
    day2.mkdir()
    shutil.copyfile(next(folder.glob("batch/*/results.hdf5")), day2 / "results.hdf5")
    project = fluorite.open_project(folder)
    cells = [str(uuid) for uuid in fluorite.rois(project).sort_values("snr", ascending=False)["roi_uuid"]]
    fluorite.accept(project, sample, cells[:8])
    fluorite.tag(project, sample, cells[:6], "cell_type", "pyramidal")
    fluorite.tag(project, sample, cells[6:9], "cell_type", "interneuron")
    save_filter(project, SavedFilter("Pyramidal", "rois", (("cell_type", "$STR=:pyramidal"),)))
    save_filter(project, SavedFilter("Bright cells", "rois", (("is_accepted", "yes"), ("snr", "$>=:6"))))
    return project, str(fluorite.samples(project)["identifier"].iloc[0])


def take(browser: Browser, url: str, pictures: Sequence[Picture], sample: str) -> None:
    """Write the pictures of pages, each light and dark."""
    for picture in pictures:
        sys.stderr.write(f"{picture.name}\n")
        browser.open(url + picture.address.replace("{sample}", sample), picture.there)
        picture.prepare(browser)
        for theme, suffix in (("light", ""), ("dark", "-dark")):
            if browser.run("return document.documentElement.dataset.bsTheme || 'light'") != theme:
                browser.run("document.querySelector('[data-theme=switch]').click()")
            time.sleep(_SETTLE_S)
            browser.picture(IMAGES / f"{picture.name}{suffix}.png")


def main() -> None:
    """Make the project and take the pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of all pages.")
    parser.add_argument("movie", type=Path)
    parser.add_argument("pages", nargs="*", metavar="NAME", help="Only these pictures, such as browse.")
    given = parser.parse_args()
    movie, wanted = given.movie.resolve(), set(given.pages)
    with tempfile.TemporaryDirectory(prefix="fluorite-pictures-") as folder:
        # Nobody's own projects are on the picture of the home page.
        os.environ["APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME"] = folder
        project, sample = make_project(Path(folder) / "visual-cortex", movie)
        other = fluorite.create_project(Path(folder) / "odours-2026", name="Odours 2026")
        with looking_at(project.folder) as (server, browser):
            take(browser, server.url, [one for one in PICTURES if not wanted or one.name in wanted], sample)
        with looking_at(project.folder, other.folder) as (server, browser):
            take(browser, server.url, [one for one in HOME if not wanted or one.name in wanted], sample)


if __name__ == "__main__":
    main()

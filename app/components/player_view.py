"""The movie player: what the server tells the player in ``assets/player.js``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component

from app.components.markup import aria, clientside
from app.components.picture_view import picture_panel
from app.components.roi_tools import roi_tools
from app.figures.palette import CELL_COLOURS, SKY_BLUE, VERMILLION
from app.formatting import count
from app.samples.addresses import contours_url, frame_url, levels_url, projection_url
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.errors import MovieError
from pipeline.viewing.colour_maps import COLOUR_MAPS, GAMMA_RANGE, colour_table
from pipeline.viewing.levels import Contrast, contrast
from pipeline.viewing.raw_movie import raw_movie_problem
from pipeline.viewing.views import HELP, VIEWS

_PROJECTIONS = {
    "mean": "Mean",
    "max": "Max",
    "std": "Std",
    "correlation": "Correlation",
    "pnr": "PNR",
    "footprints": "Footprints",
}
_WORDS = {
    "mean": "mean image",
    "max": "maximum over time",
    "std": "standard deviation over time",
    "correlation": "local correlation",
    "pnr": "peak-to-noise ratio",
    "footprints": "the cells' footprints",
}
_HELP = {
    "movie": HELP["movie"],
    "mean": "Mean of every pixel over time",
    "max": "Maximum of every pixel over time",
    "std": "Standard deviation of every pixel over time",
    "correlation": "Local correlation: how alike each pixel and its neighbours change; active cells stand out",
    "pnr": "Peak-to-noise ratio: the highest peak of each pixel over its noise",
    "footprints": "Where the cells are: each footprint scaled to its own maximum",
}


def player_config(
    workspace: Workspace,
    sample: SampleData,
    *,
    frame: int = 0,
    plane: int | None = None,
    selected: Sequence[str] = (),
    play: bool = False,
) -> tuple[dict[str, Any], str | None]:
    """What the player needs to know of a sample, and a line about its missing movie (None when it has one).

    Parameters
    ----------
    frame, plane, selected
        What the address asks to be shown first: the numbers of a frame and of a plane of a volume (None: all planes,
        seen from above), and the keys of cells.
    play
        Whether the movie starts to play once its first frames are there.
    """
    summary = sample.summary
    backgrounds, problem = [], summary.movie_problem
    if workspace.movie_path(sample) is not None:
        try:
            movie = workspace.shown(sample, "movie")
            planes = workspace.movies.contrast(movie, planes=True) if summary.depth else None
            background = _background(
                "movie", "Movie", frame_url(sample, movie), workspace.movies.contrast(movie), planes
            )
            backgrounds.append({**background, "moving": True, "levels_url": levels_url(sample, movie)})
        except MovieError as error:
            problem = str(error)
    has_movie = bool(backgrounds)
    known = [name for name in _PROJECTIONS if name in sample.shown_images]
    others = sorted(set(sample.shown_images) - set(known))
    for name in [*known, *others]:
        label = _PROJECTIONS.get(name, name)
        planes = contrast(sample.plane_images[name]) if name in sample.plane_images else None
        url = projection_url(sample, name)
        backgrounds.append(_background(name, label, url, contrast(sample.shown_images[name]), planes))
    height, width = summary.height, summary.width
    if (height is None or width is None) and sample.shown_images:
        height, width = next(iter(sample.shown_images.values())).shape
    cells = f"{count(summary.n_accepted, 'accepted cell')} of {count(summary.n_rois, 'ROI')}"
    config = {
        "identifier": summary.identifier,
        "sample": sample.name,
        "height": height or 1,
        "width": width or 1,
        # Planes can be leafed through where something has them.
        "depth": summary.depth if any(background["planes"] for background in backgrounds) else None,
        "plane": plane if plane is not None and plane < (summary.depth or 0) else None,
        "n_frames": (summary.n_frames or 1) if has_movie else 1,
        "rate_hz": summary.rate_hz or 1.0,
        "has_movie": has_movie,
        "backgrounds": backgrounds,
        "views": _views(workspace, sample, backgrounds[0]) if has_movie else [],
        # A file that does not say how large a frame is has masks that fit no image.
        "n_rois": summary.n_rois if summary.height and summary.width else 0,
        "n_accepted": summary.n_accepted,
        "is_ours": summary.is_ours,
        "contours_url": contours_url(sample),
        "frame": frame,
        "selected": list(selected),
        "play": play and has_movie,
        "pixel_size_um": None if sample.pixel_size_um is None else list(sample.pixel_size_um),
        "colour_maps": [
            {"name": name, "label": label, "table": colour_table(name).tobytes().hex()}
            for name, label in COLOUR_MAPS.items()
        ],
        "gamma_range": list(GAMMA_RANGE),
        "colours": {"accepted": SKY_BLUE, "rejected": VERMILLION, "selected": list(CELL_COLOURS)},
        "label": f"{'Movie' if has_movie else 'Image'} of this sample with the outlines of {cells}. "
        "The same cells are in the table.",
    }
    if has_movie:
        return config, None
    shown = f"Shown: {_in_words(backgrounds[0])}." if backgrounds else "It has no summary images either."
    missing = problem is None or problem == "it has no registered movie"
    return config, f"{'This sample has no movie.' if missing else f'No movie: {problem}.'} {shown}"


def _views(workspace: Workspace, sample: SampleData, registered: dict[str, Any]) -> list[dict[str, Any]]:
    """The movies to choose from: the registered one, and those whose values are asked for when they are chosen."""
    problems: dict[str, str | None] = {"raw": raw_movie_problem(workspace.project, sample.path)}
    if "denoised" not in sample.trace_kinds or not sample.summary.n_rois:
        computed = (name for name in VIEWS if name not in ("movie", "raw"))
        problems |= dict.fromkeys(computed, "it is computed from cells and their denoised traces, and there are none")
    found = [{**registered, "label": VIEWS["movie"], "problem": None}]
    for name, label in VIEWS.items():
        if name == "movie":
            continue
        shown = workspace.shown(sample, name)
        found.append(
            {
                "name": name,
                "label": label,
                "help": HELP[name],
                "url": frame_url(sample, shown, name),
                "levels_url": levels_url(sample, shown, name),
                "moving": True,
                "computed": name != "raw",
                "contrast": None,
                "planes": registered["planes"] and {},
                # Raw and registered are compared, so they have the same levels.
                "scale": "movie" if name == "raw" else name,
                "problem": problems.get(name),
            }
        )
    return found


def _in_words(background: Mapping[str, Any]) -> str:
    return _WORDS.get(background["name"], background["label"])


def player_card(
    config: dict[str, Any] | None, problem: str | None, curation: Mapping[str, Any] | None = None
) -> Component:
    """The player with the tools that draw on it, and a line where the sample lacks what one would look for in it."""
    notes = []
    if problem is not None:
        notes.append(html.P(problem, className="notice"))
    if config is not None and config["n_rois"] == 0:
        # Whether another program looked for cells at all, its file does not say.
        text = "No cells were found in this recording." if config["is_ours"] else "This file lists no cells."
        notes.append(html.P(text, className="notice", id="player-no-cells"))
    empty = config is not None and not config["backgrounds"]
    return html.Section(
        [
            html.Div(notes, id="player-notes"),
            html.Div() if empty else roi_tools(curation),
            html.Div(id="player", className="player", hidden=empty),
            picture_panel(config),
            dcc.Store("player-config", data=None if empty else config),
        ],
        className="card-panel player-card",
        **aria(label="Movie"),
    )


def _background(name: str, label: str, url: str, values: Contrast, planes: Contrast | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "help": _HELP.get(name),
        "url": url,
        "contrast": values.as_dict(),
        # Of planes, which are darker than all of them seen from above; None where single planes cannot be shown.
        "planes": None if planes is None else planes.as_dict(),
        "levels_url": None,
        "moving": False,
    }


def register(app: Dash) -> None:
    """Add the player's callbacks."""
    clientside(
        app,
        "mountPlayer",
        Output("player", "title"),
        Input("player-config", "data"),
    )

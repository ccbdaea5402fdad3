from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dash
from dash import Dash
from dash.development.base_component import Component
from flask.testing import FlaskClient

from app.pages import sample_page
from app.workspace import current_workspace
from tests.app.small_project import MadeSample

# Only on pages of samples that have several results, or are one-photon.
OF_SOME_SAMPLES = ("compare-", "results-initialisation-")


def components(part: Any) -> Iterator[Any]:
    """Every component of a layout."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from components(one)
    elif isinstance(part, Component):
        yield part
        for name in part._prop_names:
            yield from components(getattr(part, name, None))


def test_callbacks_name_only_what_is_on_some_page(app: Dash, sample: MadeSample) -> None:
    with app.server.test_request_context("/"):
        app._setup_server()  # the callbacks that Dash itself adds
        pages = [
            page["layout"](**{"identifier": sample.identifier} if "<" in (page["path_template"] or "") else {})
            for page in dash.page_registry.values()
        ]
        workspace = current_workspace()
        rest = sample_page.rest_of_page(workspace, workspace.samples.get(sample.identifier))
        there = {
            name["type"] if isinstance(name, dict) else name
            for component in components([pages, rest, app.layout])
            if (name := getattr(component, "id", None)) is not None
        }

    missing = {
        name
        for callback in app._callback_list
        for part in (*callback["inputs"], *callback["state"], *_outputs(callback["output"]))
        if (name := part["id"]) not in there and not name.startswith("{")
    }
    assert {name for name in missing if not name.startswith(OF_SOME_SAMPLES)} == set()


def _outputs(output: str) -> list[dict[str, Any]]:
    """``..a.children...b.data@1..`` as Dash writes several outputs, or ``a.children``."""
    names = output.strip(".").split("...")
    return [{"id": name[: name.rindex(".")].replace("\\.", ".")} for name in names]


def test_pages_do_not_carry_the_layouts_of_all_pages(client: FlaskClient) -> None:
    assert len(client.get("/browse").data) < 40_000


def test_browsers_keep_assets_whose_address_names_their_version(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    address = next(part for part in page.split('"') if part.startswith("/assets/") and ".js?m=" in part)

    assert "immutable" in client.get(address).headers["Cache-Control"]
    assert "immutable" not in client.get(address.split("?")[0]).headers.get("Cache-Control", "")
    assert "immutable" not in client.get("/assets/none.js?m=1").headers.get("Cache-Control", "")

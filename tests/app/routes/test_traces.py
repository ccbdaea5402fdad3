from __future__ import annotations

import base64
import csv
import io

import numpy as np
import pytest
from flask.testing import FlaskClient

from app.figures.plotly_script import plotly_url
from nwb_schema.reader import read_rois
from tests.app.small_project import N_FRAMES, RATE_HZ, MadeSample


def key(sample: MadeSample, row: int) -> str:
    return str(read_rois(sample.path)["roi_uuid"][row])


def test_table_of_the_traces_that_are_shown(client: FlaskClient, sample: MadeSample) -> None:
    keys = [key(sample, 3), key(sample, 1)]
    answer = client.get(f"/traces/{sample.identifier}.csv?roi={','.join(keys)}&kind=denoised,residual")

    found = list(csv.reader(io.StringIO(answer.text)))

    names = [
        f"cell_{row}_{kind}_{one[:8]}" for row, one in ((3, keys[0]), (1, keys[1])) for kind in ("denoised", "residual")
    ]
    assert found[0] == ["time_s", *names]
    assert len(found) == N_FRAMES + 1
    assert float(found[8][0]) == pytest.approx(7 / RATE_HZ, abs=1e-6)
    assert float(found[8][3]) == pytest.approx(sample.simulation.traces[1][7], rel=1e-5)
    assert f"{sample.path.stem}_traces.csv" in answer.headers["Content-Disposition"]


def test_only_the_time_in_view(client: FlaskClient, sample: MadeSample) -> None:
    answer = client.get(f"/traces/{sample.identifier}.csv?roi={key(sample, 0)}&kind=raw&from=2&to=3")

    assert len(answer.text.splitlines()) == 1 + int(RATE_HZ) + 1


@pytest.mark.parametrize("query", ["", "roi=x&kind=raw", "roi={key}&kind=../raw", "roi={key}"])
def test_nothing_asked_for_is_said_in_words(client: FlaskClient, sample: MadeSample, query: str) -> None:
    answer = client.get(f"/traces/{sample.identifier}.csv?{query.format(key=key(sample, 0))}")

    assert answer.status_code == 404
    assert "Select a cell" in answer.text


def test_page_gets_what_it_draws(client: FlaskClient, sample: MadeSample) -> None:
    answer = client.get(f"/traces/{sample.identifier}.json?roi={key(sample, 3)}&kind=denoised")

    found = answer.get_json()
    [line] = found["figure"]["data"]
    assert (line["name"], line["yaxis"]) == ("Cell 3 denoised", "y")
    values = np.frombuffer(base64.b64decode(line["y"]["bdata"]), line["y"]["dtype"])
    assert values == pytest.approx(sample.simulation.traces[3])
    assert found["legend"][0]["label"] == "Cell 3"
    assert answer.headers["Cache-Control"] == "no-store"


def test_traces_of_no_sample_are_refused_in_words(client: FlaskClient) -> None:
    answer = client.get("/traces/nobody.json?roi=x&kind=raw")

    assert answer.status_code == 404
    assert "nobody" in answer.text


def test_browsers_keep_plotly_under_its_version(client: FlaskClient) -> None:
    answer = client.get(plotly_url())

    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["Cache-Control"]

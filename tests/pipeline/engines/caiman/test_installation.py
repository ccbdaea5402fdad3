"""Finding CaImAn and saying what of it will not work; without it, a refusal with the remedy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
from click.testing import CliRunner

from fluorite.cli import main
from nwb_schema.errors import EngineError
from nwb_schema.project import Project
from pipeline.engines import choose_engine
from pipeline.engines.caiman import installation, worker
from pipeline.engines.caiman.installation import Installation, conda_pythons, find_python, probe
from tests.pipeline.engines.caiman.conftest import STAND_IN, interpreter

GOOD = Installation(
    Path("/env/bin/python"), "1.12.1", True,
    {"numpy": "1.26.4", "scipy": "1.13.1", "tensorflow": "2.15.1", "torch": None}, ("/home/x/cnn_model.h5",),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_caiman_of_this_computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLUORITE_CAIMAN_PYTHON", "CONDA_PREFIX", "MAMBA_ROOT_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(installation, "_CONDA_ROOTS", ("miniforge3",))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    CliRunner().invoke(main, ["init", str(tmp_path / "project")])
    return Project.open(tmp_path / "project")


@pytest.mark.parametrize(
    ("changed", "severity", "message"),
    [
        (replace(GOOD, version=None, is_caiman=False), "error", "has no CaImAn"),
        (replace(GOOD, version="0.3", is_caiman=False), "error", "unrelated project"),
        (replace(GOOD, version="1.8.5"), "error", "older than 1.9"),
        (replace(GOOD, import_error="ImportError: libGL"), "error", "libGL"),
        (replace(GOOD, packages={**GOOD.packages, "numpy": "2.1.0"}), "warning", "made for NumPy 1"),
        (replace(GOOD, cnn_weights=()), "warning", "weights"),
        (replace(GOOD, packages={**GOOD.packages, "tensorflow": None}), "warning", "TensorFlow"),
        (replace(GOOD, packages={**GOOD.packages, "scipy": "1.17.1"}), "note", "works around"),
    ],
)
def test_what_will_not_work_is_found(changed: Installation, severity: str, message: str) -> None:
    (finding,) = changed.findings()

    assert finding.severity == severity
    assert message in finding.message
    if severity == "error":
        with pytest.raises(EngineError) as caught:
            changed.require()
        assert finding.remedy in str(caught.value)
    else:
        changed.require()


def test_a_good_one_has_nothing_to_say() -> None:
    assert list(GOOD.findings()) == []


def test_an_interpreter_is_asked_what_it_has(python: Path) -> None:
    found = probe(python, try_import=True)

    assert (found.version, found.is_caiman, found.import_error) == ("1.12.1", True, None)
    assert found.packages["numpy"] == np.__version__


def test_the_unrelated_package_of_that_name_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "site" / "caiman").mkdir(parents=True)
    (tmp_path / "site" / "caiman" / "__init__.py").write_text("")
    found = probe(interpreter(tmp_path, tmp_path / "site"))

    assert not found.is_caiman
    with pytest.raises(EngineError, match="unrelated project"):
        found.require()


@pytest.mark.parametrize(
    ("program", "said"), [("echo garbage; exit 0", "garbage"), ("echo oh no >&2; exit 3", "oh no")]
)
def test_what_is_no_interpreter_is_named(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(EngineError, match=said):
        probe(interpreter(tmp_path, STAND_IN, program))


def test_without_caiman_the_engine_is_refused_at_once_with_the_remedy(project: Project, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"conda create -n caiman.*--engine builtin"):
        choose_engine("caiman", project)
    assert choose_engine("auto", project).name == "builtin"


def test_auto_takes_the_configured_one_and_says_when_it_is_gone(
    project: Project, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUORITE_CAIMAN_PYTHON", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="gone: is not there"):
        choose_engine("auto", project)
    # What the project says comes before what the environment says.
    path = project.folder / "project.toml"
    path.write_text(path.read_text().replace('caiman_python = ""', f'caiman_python = "{python}"'))
    engine = choose_engine("auto", Project.open(project.folder))

    assert (engine.name, engine.version) == ("caiman", "1.12.1")
    project = Project.open(project.folder)
    assert choose_engine("caiman", project, online=True).name == "caiman-online"
    assert choose_engine("auto", project, online=True).name == "online", "it can follow a growing movie"


def test_conda_environments_are_found_and_one_called_caiman_comes_first(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    for folder in (tmp_path / "home/miniforge3/envs/analysis", tmp_path / "home/miniforge3/envs/other", elsewhere):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin/python").write_text("")
        if folder.name != "other":
            (folder / "lib/python3.10/site-packages/caiman/source_extraction").mkdir(parents=True)
    (tmp_path / "home/.conda").mkdir()
    (tmp_path / "home/.conda/environments.txt").write_text(f"{elsewhere}\n")
    assert [python.parents[1].name for python in conda_pythons()] == ["elsewhere", "analysis"]
    (tmp_path / "home/miniforge3/envs/analysis").rename(tmp_path / "home/miniforge3/envs/caiman-1.12")

    assert find_python(None).parents[1].name == "caiman-1.12"


def test_the_command_says_it_and_its_exit_code_too(python: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["check-caiman", "--python", str(python), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["version"] == "1.12.1"
    assert json.loads(done.stdout)["runs"]
    absent = CliRunner().invoke(main, ["check-caiman"])
    assert (absent.exit_code, "conda-forge" in absent.stderr) == (1, True)
    (tmp_path / "without").mkdir()
    without = interpreter(tmp_path / "without", tmp_path)
    refused = CliRunner().invoke(main, ["check-caiman", "--python", str(without)])
    assert refused.exit_code == 1
    assert "It cannot run." in refused.stdout


def test_toeplitz_takes_columns_as_it_used_to(monkeypatch: pytest.MonkeyPatch) -> None:
    original = scipy.linalg.toeplitz
    monkeypatch.setattr(scipy.linalg, "toeplitz", original)  # puts it back afterwards
    monkeypatch.setattr(scipy, "__version__", "1.17.1")
    worker.wrap_toeplitz()
    column, row = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [4.0]])

    np.testing.assert_array_equal(scipy.linalg.toeplitz(column, row), original(column.ravel(), row.ravel()))

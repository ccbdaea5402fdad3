"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples every time, and as long as they need: a run tells of the code, not of luck or of the machine's load.
# Other examples: `pytest --hypothesis-profile=random`.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile("repeatable")

# One BLAS thread a process: the engine brings its own threads, and tests run side by side.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Taken out of the environment, so that `auto` means the same engine in all tests, whoever runs them.
CAIMAN_PYTHON = os.environ.pop("FLUORITE_CAIMAN_PYTHON", None)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A folder of its own for what programs remember of a user, so that no test changes the user's own list."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings beside the checkout; the test is skipped where there is none."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the recordings in ../shared/data, which are not here")
    return folder


@pytest.fixture(scope="session")
def caiman_python() -> Path:
    """An interpreter with the real CaImAn; the test is skipped where none is named."""
    if CAIMAN_PYTHON is None:
        pytest.skip("needs a real CaImAn: set FLUORITE_CAIMAN_PYTHON to its interpreter")
    return Path(CAIMAN_PYTHON)

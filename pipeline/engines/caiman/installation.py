"""Which CaImAn there is: finding its interpreter, and asking it what it has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nwb_schema.errors import EngineError
from nwb_schema.project import Project

VARIABLE = "FLUORITE_CAIMAN_PYTHON"
OLDEST = (1, 9)
TESTED = "1.12.1"
INSTALL = (
    "CaImAn is on conda-forge, not on PyPI (the package named caiman there is another project): "
    "conda create -n caiman -c conda-forge caiman, then name its python in project.toml (caiman_python) or in "
    f"{VARIABLE}; docs/caiman.md says how. Or use --engine builtin."
)

_PROBE = Path(__file__).with_name("probe.py")
_PROBE_TIMEOUT_S = 60.0
_IMPORT_TIMEOUT_S = 300.0
# Where conda, mamba and their relatives keep environments, below the home folder or absolute.
_CONDA_ROOTS = (
    "miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba", "opt/miniconda3", "opt/anaconda3", ".conda",
    "/opt/conda", "/opt/miniforge3", "/opt/miniconda3", "/opt/anaconda3", "/opt/homebrew/Caskroom/miniforge/base",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """Something about an installation that a person should know.

    Attributes
    ----------
    severity
        ``error``: CaImAn cannot run; ``warning``: part of it will not work; ``note``: nothing has to be done.
    """

    severity: Literal["error", "warning", "note"]
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Installation:
    """What an interpreter says of its CaImAn.

    Attributes
    ----------
    python
        The interpreter.
    version
        CaImAn's version, or None where it has none.
    is_caiman
        False where the package named ``caiman`` is the unrelated one of PyPI.
    packages
        Versions of what CaImAn stands on, None where it is not there.
    cnn_weights
        Files of the network that judges footprints.
    import_error
        Why importing it fails; None where it works or nobody tried.
    """

    python: Path
    version: str | None
    is_caiman: bool
    packages: Mapping[str, str | None] = field(default_factory=dict)
    cnn_weights: tuple[str, ...] = ()
    python_version: str = ""
    import_error: str | None = None
    import_s: float | None = None

    def findings(self) -> Iterator[Finding]:
        """What will not work here, worst first, each with what can be done about it."""
        numpy, scipy = self.packages.get("numpy"), self.packages.get("scipy")
        if self.version is None and not self.is_caiman:
            yield Finding("error", f"{self.python} has no CaImAn", INSTALL)
            return
        if not self.is_caiman:
            yield Finding(
                "error",
                f"the package caiman {self.version} of {self.python} is an unrelated project of that name on PyPI",
                f"pip uninstall caiman there. {INSTALL}",
            )
            return
        if self.import_error is not None:
            yield Finding("error", f"importing CaImAn fails: {self.import_error}", "Install it anew from conda-forge.")
        if _numbers(self.version) < OLDEST:
            yield Finding(
                "error",
                f"CaImAn {self.version} is older than {'.'.join(map(str, OLDEST))}, which Fluorite can run",
                "conda update -c conda-forge caiman",
            )
        if _numbers(numpy) >= (2,) and _numbers(self.version) < (1, 13):
            yield Finding(
                "warning", f"CaImAn {self.version} was made for NumPy 1, and NumPy {numpy} is there",
                "If it fails: conda install -c conda-forge 'numpy<2'.",
            )  # fmt: skip
        if not self.cnn_weights:
            yield Finding(
                "warning", "the weights of CaImAn's network are missing: use_cnn has no effect",
                "Run caimanmanager install in that environment.",
            )  # fmt: skip
        elif not any(self.packages.get(name) for name in ("tensorflow", "torch")):
            yield Finding(
                "warning", "neither TensorFlow nor PyTorch is there: use_cnn has no effect",
                "conda install -c conda-forge tensorflow",
            )  # fmt: skip
        if _numbers(scipy) >= (1, 17) and _numbers(self.version) < (1, 13):
            yield Finding("note", f"CaImAn {self.version} fails with SciPy {scipy} by itself; Fluorite works around it")

    def require(self) -> None:
        """Refuse an installation that cannot run.

        Raises
        ------
        EngineError
            With the remedy.
        """
        for finding in self.findings():
            if finding.severity == "error":
                raise EngineError("--engine caiman", finding.message, finding.remedy)


def configured_python(project: Project | None) -> Path | None:
    """The interpreter that this project's ``caiman_python`` or the environment names, whether or not it is there."""
    named = (project.config.caiman_python if project is not None else None) or os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else None


def find_python(project: Project | None) -> Path:
    """The configured interpreter, else one of the conda environments of this user that have CaImAn.

    Raises
    ------
    EngineError
        When there is none, or the configured one is not there.
    """
    named = configured_python(project)
    if named is not None:
        if not named.is_file():
            raise EngineError(named, "is not there, although it is configured as CaImAn's interpreter", INSTALL)
        return named
    for python in conda_pythons():
        return python
    raise EngineError("--engine caiman", "no interpreter with CaImAn was found", INSTALL)


def conda_pythons() -> Iterator[Path]:
    """Interpreters of conda environments with CaImAn, those of environments called so first."""
    found = {folder: python for folder in _environments() if (python := _python_with_caiman(folder)) is not None}
    for folder in sorted(found, key=lambda folder: ("caiman" not in folder.name.lower(), str(folder))):
        yield found[folder]


def probe(python: Path, *, try_import: bool = False) -> Installation:
    """Ask an interpreter what it has; importing CaImAn, too, takes several seconds.

    Raises
    ------
    EngineError
        When it cannot be run, does not answer, or answers something else.
    """
    command = [str(python), str(_PROBE), *(["--import"] if try_import else [])]
    timeout_s = _IMPORT_TIMEOUT_S if try_import else _PROBE_TIMEOUT_S
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False,
            stdin=subprocess.DEVNULL, env=child_environment(),
        )  # fmt: skip
    except OSError as error:
        raise EngineError(python, f"cannot be run ({error})", INSTALL) from error
    except subprocess.TimeoutExpired as error:
        raise EngineError(
            python, f"did not answer within {timeout_s:.0f} s", "Try it by hand: " + str(python)
        ) from error
    try:
        return _installation(python, json.loads(done.stdout.strip().splitlines()[-1]))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        raise EngineError(
            python, f"is no Python that can say what it has (exit code {done.returncode}: {said or 'no word'})", INSTALL
        ) from error


def child_environment() -> dict[str, str]:
    """The environment for CaImAn's interpreter: ours, without what would lead it to our packages; one thread each."""
    ours = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
    return {**ours, **dict.fromkeys(threads, "1"), "MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _installation(python: Path, answer: Mapping[str, Any]) -> Installation:
    return Installation(
        python=python,
        version=answer["caiman"] or (answer["folder"] and "of unknown version"),
        is_caiman=bool(answer["is_caiman"]),
        packages=dict(answer["packages"]),
        cnn_weights=tuple(answer["cnn_weights"]),
        python_version=str(answer["python"]),
        import_error=answer.get("import_error"),
        import_s=answer.get("import_s"),
    )


def _environments() -> Iterator[Path]:
    home = Path.home()
    listed = home / ".conda" / "environments.txt"  # conda writes the path of every environment that it makes here
    if listed.is_file():
        yield from map(Path, listed.read_text(encoding="utf-8", errors="replace").split("\n"))
    roots = [Path(os.environ[name]) for name in ("CONDA_PREFIX", "MAMBA_ROOT_PREFIX") if os.environ.get(name)]
    for root in [*roots, *(home / name for name in _CONDA_ROOTS)]:
        yield root
        yield from sorted(root.glob("envs/*"))


def _python_with_caiman(folder: Path) -> Path | None:
    windows = sys.platform == "win32"
    if not folder.is_absolute():
        return None
    packages = "Lib/site-packages" if windows else "lib/python3*/site-packages"
    python = folder / ("python.exe" if windows else "bin/python")
    has_it = any(folder.glob(f"{packages}/caiman/source_extraction"))
    return python if has_it and python.is_file() else None


def _numbers(version: str | None) -> tuple[int, ...]:
    """``1.12.1`` as numbers, as far as it has some; an unknown version counts as a tested one."""
    found = re.match(r"(\d+)(?:\.(\d+))?", version or "")
    return tuple(int(part) for part in found.groups(default="0")) if found else _numbers(TESTED)

"""What pynwb and NWB's own validator say of a file."""

from __future__ import annotations

import warnings
from pathlib import Path

import pynwb
from hdmf.build.errors import ConstructError

from nwb_schema.extension import fluorite_sample_class


def pynwb_refusal(path: Path) -> str | None:
    """Why pynwb cannot open the file, in one line, or None when it can."""
    return _read(path, validate=False)[1]


def schema_problems(path: Path) -> list[str]:
    """What NWB's own validator finds wrong with a file, one line each; also when pynwb cannot open it at all."""
    problems, refusal = _read(path, validate=True)
    return problems if refusal is None else [refusal]


def _read(path: Path, *, validate: bool) -> tuple[list[str], str | None]:
    fluorite_sample_class()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pynwb.NWBHDF5IO(str(path), "r") as io:
                io.read()
                return ([_one_line(problem) for problem in pynwb.validate(io=io)] if validate else []), None
    except Exception as error:  # noqa: BLE001 - pynwb and hdmf raise whatever they like on a file that they refuse
        return [], f"pynwb cannot open it: {_one_line(error)}"


def _one_line(problem: object) -> str:
    """Its text, short. hdmf's ConstructError prints the whole object that it could not build before it says why."""
    cause = problem.args[-1] if isinstance(problem, ConstructError) and problem.args else problem
    text = " ".join(str(cause).split())
    return text if len(text) <= 300 else f"{text[:60]} ... {text[-200:]}"

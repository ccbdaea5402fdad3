"""Which engine does the work."""

from __future__ import annotations

import logging
import os

from nwb_schema.errors import EngineError
from nwb_schema.project import Project
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.online.engine import OnlineEngine
from pipeline.engines.engine import Engine

logger = logging.getLogger("fluorite.engines")


def choose_engine(name: str, project: Project, *, online: bool = False) -> Engine:
    """The engine of that name; ``auto`` is the built-in one as long as it is the only one.

    Parameters
    ----------
    online
        The built-in engine's online mode.

    Raises
    ------
    EngineError
        When that engine is not there.
    """
    if name == "auto" and caiman_is_configured(project):
        logger.warning("CaImAn is configured, but this version cannot run it yet: the built-in engine is used")
    if name in ("auto", "builtin"):
        return OnlineEngine() if online else BuiltinEngine()
    if name == "caiman":
        raise EngineError(
            "--engine caiman",
            "this version of Fluorite does not run CaImAn by itself yet",
            "Use --engine builtin, or run CaImAn yourself and `fluorite import` what its CNMF.save wrote. (The package "
            "named caiman on PyPI is another project; CaImAn is on conda-forge.)",
        )
    raise EngineError(f"--engine {name}", "there is no such engine", "Use auto, builtin or caiman.")


def caiman_is_configured(project: Project) -> bool:
    """Whether an interpreter with CaImAn is named for this project (``caiman_python``) or in the environment."""
    return bool(project.config.caiman_python or os.environ.get("FLUORITE_CAIMAN_PYTHON"))

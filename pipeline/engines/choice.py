"""Which engine does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nwb_schema.errors import EngineError
from nwb_schema.project import Project
from pipeline.engines.caiman.installation import configured_python, find_python

if TYPE_CHECKING:
    from pipeline.engines.engine import Engine


def choose_engine(name: str, project: Project, *, online: bool = False) -> Engine:
    """The engine of that name; ``auto`` is CaImAn where its interpreter is configured, else the built-in one.

    ``caiman`` also finds an environment in the usual places of conda, which nobody has configured.

    Parameters
    ----------
    online
        Frame by frame; ``auto`` then is the built-in engine, which also follows a movie that is still being written.

    Raises
    ------
    EngineError
        When that engine is not there.
    """
    # Engines bring numerical libraries along: only the one that is chosen, and only when it is there.
    if online and name in ("auto", "builtin"):
        from pipeline.engines.builtin.online.engine import OnlineEngine

        return OnlineEngine()
    if name == "builtin" or (name == "auto" and configured_python(project) is None):
        from pipeline.engines.builtin.engine import BuiltinEngine

        return BuiltinEngine()
    if name in ("auto", "caiman"):
        python = find_python(project)
        from pipeline.engines.caiman.engine import CaimanEngine

        return CaimanEngine(python, online=online)
    raise EngineError(f"--engine {name}", "there is no such engine", "Use auto, builtin or caiman.")

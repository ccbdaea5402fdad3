"""Running the real command, and what it made."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def fluorite(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does; with `check`, it has to succeed."""
    done = subprocess.run(
        [sys.executable, "-m", "fluorite", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


@dataclass(frozen=True)
class Processed:
    """A project, the movie that was processed in it, and what `process --json` printed."""

    project: Path
    movie: Path
    report: dict[str, Any]

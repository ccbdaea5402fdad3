"""The draft of ``dandiset.yaml`` that an export folder needs, and the commands that upload it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from nwb_schema.publishing import partial_path, publish

NAME = "dandiset.yaml"
_DRAFT = """\
# A draft. Make a dandiset on https://dandiarchive.org ("New Dandiset"), and put its six digits here.
# Name, description, contributors and licence are edited there; this file only says where an upload goes.
identifier: '000000'
name: {name}
"""


def write_draft(folder: Path, name: str) -> None:
    """Write ``dandiset.yaml`` into `folder`, unless there is one."""
    path = folder / NAME
    if path.exists():
        return
    temporary = partial_path(folder)
    try:
        temporary.write_text(_DRAFT.format(name=json.dumps(name, ensure_ascii=False)), encoding="utf-8")
        publish(temporary, path)
    except FileExistsError:
        return  # somebody was faster; theirs counts
    finally:
        temporary.unlink(missing_ok=True)


def upload_commands(folder: Path) -> tuple[str, ...]:
    """What the user runs to upload; Fluorite never does."""
    return (f"cd {shlex.quote(str(folder))}", "dandi validate .", "dandi upload .")

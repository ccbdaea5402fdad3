"""The server of one project, as the home page starts it: ``python -m app.project_server PROJECT HOME_URL``.

It says where it is in one line of JSON, and ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from app.serve import serve
from nwb_schema.errors import FluoriteError


def main(arguments: list[str]) -> int:
    """Serve the project until whoever started this is gone."""
    folder, home_url = arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        serve(Path(folder), port=0, home_url=home_url, on_ready=lambda url: _say({"url": url}))
    except FluoriteError as error:
        _say({"error": str(error)})
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _say(answer: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

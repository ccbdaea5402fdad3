"""The server of one project, as the home page starts it: ``python -m app.servers.project_server PROJECT HOME_URL``.

It says where it is in one line of JSON, and ends when its standard input does.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from app.servers.serve import serve
from nwb_schema.errors import FluoriteError

# Below the ports that systems hand out by themselves (Linux from 32768 on).
_FIRST_PORT, _N_PORTS = 20_000, 12_000


def main(arguments: list[str]) -> int:
    """Serve the project until whoever started this is gone."""
    folder, home_url = arguments
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        port = usual_port(Path(folder))
        serve(
            Path(folder),
            port=port if _is_free(port) else 0,
            home_url=home_url,
            on_ready=lambda url: _say({"url": url}),
        )
    except FluoriteError as error:
        _say({"error": str(error)})
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def usual_port(folder: Path) -> int:
    """The port of a project, the same each time.

    A browser keeps the name that somebody works under, and light or dark, for each port by itself: with another port
    every day, edits would be recorded under another name.
    """
    digest = hashlib.sha256(str(folder.resolve()).encode()).digest()
    return _FIRST_PORT + int.from_bytes(digest[:4], "big") % _N_PORTS


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name != "nt":  # there it would allow a port that somebody listens on
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _say(answer: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

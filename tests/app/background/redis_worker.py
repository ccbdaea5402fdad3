"""A worker that knows the tests' callbacks and says often that it lives.

Run as ``python -m tests.app.background.redis_worker DIR``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.background import redis_workers
from app.servers.dashboard import create_app
from tests.app.background import background_work

if __name__ == "__main__":
    # Sixteen beats: on a busy machine, some come seconds late.
    redis_workers._ALIVE_S, redis_workers._BEAT_S = 8, 0.5
    background_work.register()
    sys.exit(redis_workers.work(Path(sys.argv[1]), 2, create_app))

"""How long work tells how far it is, and how it is told to stop."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""``progress(stage, fraction)``: called often, from the main thread of the work; `fraction` of that stage, 0 to 1.

It may raise `Cancelled`, which the work lets pass after removing what it was writing.
"""


class Cancelled(BaseException):
    """The person who started the work asked for it to stop.

    Like KeyboardInterrupt, no Exception: a library that catches everything must not swallow it. SIGTERM raises it
    wherever the main thread happens to be.
    """

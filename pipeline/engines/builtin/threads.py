"""Work spread over threads: NumPy, SciPy, OpenCV and our compiled loops release the interpreter lock.

Threads and not processes: no copies of the movie, nothing to pickle, no locks left behind, the same on every system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TypeVar

import cv2

# OpenCV would start threads of its own inside each of ours, which then wait for each other (measured: 3 x slower).
cv2.setNumThreads(1)

_tick: ContextVar[Callable[[], None]] = ContextVar("tick", default=lambda: None)

# Seconds between two ticks while one item takes long.
POLL_S = 0.25

Item = TypeVar("Item")
Result = TypeVar("Result")


def n_threads() -> int:
    """How many threads may run at once: the cores that this process is allowed to use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@contextmanager
def ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Let `tick` be called often in the block, from its own thread: what it raises (a cancellation) stops the work.

    `in_threads` does so after every item and while it waits for one, and loops without threads by `still_wanted`.

    So that a cancel is noticed in time, however long a stage goes without a word of how far it is.
    """
    token = _tick.set(tick)
    try:
        yield
    finally:
        _tick.reset(token)


def still_wanted() -> None:
    """Look whether the work is to stop: for loops that take long and report nothing. Raises what the tick raises.

    Does nothing where nobody ticks, as in the threads of `in_threads`.
    """
    _tick.get()()


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``work(item)`` for every item, in threads, yielded in order.

    At most two items a thread are taken at a time, so that a lazy `items` bounds the memory. An exception of `work`,
    or one raised by the caller between two results (a cancellation), stops the rest.
    """
    threads = n_threads()
    remaining = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[Future[Result]] = [pool.submit(work, item) for item in islice(remaining, 2 * threads)]
        try:
            while waiting:
                while not wait(waiting[:1], POLL_S).done:
                    still_wanted()
                result = waiting.pop(0).result()
                waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
                still_wanted()
                yield result
        finally:
            for future in waiting:
                future.cancel()

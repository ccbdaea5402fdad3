"""Work spread over threads: NumPy, SciPy, OpenCV and our compiled loops release the interpreter lock.

Threads and not processes: no copies of the movie, nothing to pickle, no locks left behind, the same on every system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import TypeVar

import cv2

# OpenCV would start threads of its own inside each of ours, which then wait for each other (measured: 3 x slower).
cv2.setNumThreads(1)

_tick: ContextVar[Callable[[], None]] = ContextVar("tick", default=lambda: None)

Item = TypeVar("Item")
Result = TypeVar("Result")


def n_threads() -> int:
    """How many threads may run at once: the cores that this process is allowed to use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


@contextmanager
def ticking(tick: Callable[[], None]) -> Iterator[None]:
    """Call `tick` after every item of each `in_threads` in the block: what it raises (a cancellation) stops the work.

    So that a cancel is noticed in time, however long a stage goes without a word of how far it is.
    """
    token = _tick.set(tick)
    try:
        yield
    finally:
        _tick.reset(token)


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
                result = waiting.pop(0).result()
                waiting.extend(pool.submit(work, item) for item in islice(remaining, 1))
                _tick.get()()
                yield result
        finally:
            for future in waiting:
                future.cancel()

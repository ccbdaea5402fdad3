"""Work in threads: in order, bounded, and stopped by an error or a cancel."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipeline.engines.builtin.threads import in_threads, n_threads, ticking
from pipeline.progress import Cancelled


def test_results_come_in_order_and_no_more_is_taken_than_is_worked_on() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    def doubled(number: int) -> int:
        return number * 2

    seen = []
    for result in in_threads(doubled, items()):
        seen.append(result)
        assert len(taken) <= len(seen) + 2 * n_threads()
    assert seen == list(range(0, 100, 2))


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    def work(number: int) -> float:
        return 1 / (3 - number)

    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, range(9)))


def test_a_cancel_is_noticed_between_two_items_of_a_stage_that_reports_nothing() -> None:
    done: list[int] = []
    asked: list[int] = []

    def tick() -> None:
        assert threading.current_thread() is threading.main_thread()
        asked.append(len(done))
        if len(asked) == 5:
            raise Cancelled

    with pytest.raises(Cancelled), ticking(tick):
        for _ in in_threads(done.append, range(1000)):
            pass
    assert len(asked) == 5
    assert len(done) <= 5 + 2 * n_threads()
    assert list(in_threads(abs, range(20))) == list(range(20))  # nobody asks any more
    assert len(asked) == 5

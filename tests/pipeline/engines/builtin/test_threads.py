"""Work in threads: in order, bounded, and stopped by an error or a cancel."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pipeline.engines.builtin.threads import in_threads, n_threads, still_wanted, ticking
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


def test_a_cancel_is_noticed_while_one_item_takes_long() -> None:
    asked = threading.Event()
    asked_in_time: list[bool] = []

    def tick() -> None:
        asked.set()
        raise Cancelled

    def work(number: int) -> None:
        # Ends when somebody asks; a minute is the bound for a machine that is very busy.
        asked_in_time.append(asked.wait(60))

    with pytest.raises(Cancelled), ticking(tick):
        list(in_threads(work, [0]))
    assert asked_in_time == [True]


def test_a_loop_without_threads_asks_whether_to_go_on() -> None:
    done: list[int] = []

    def tick() -> None:
        if len(done) == 3:
            raise Cancelled

    def loop() -> None:
        for number in range(9):
            still_wanted()
            done.append(number)

    with pytest.raises(Cancelled), ticking(tick):
        loop()
    assert done == [0, 1, 2]
    still_wanted()  # nobody asks any more

"""Seconds by stage, over threads."""

import time
from concurrent.futures import ThreadPoolExecutor

from saccade.features.embedding.timers import Timers


def test_threads_add_up_and_failures_count_too() -> None:
    timers = Timers()

    def work(number: int) -> None:
        with timers("read"):
            time.sleep(0.01)
            if number == 3:
                raise ValueError

    with ThreadPoolExecutor(4) as pool:
        failures = [pool.submit(work, number).exception() for number in range(4)]
    assert sum(each is not None for each in failures) == 1
    assert list(timers.seconds()) == ["read"] and timers.seconds()["read"] >= 0.04

"""Every process makes its own, even where the parent was in the middle of something when it forked."""

import multiprocessing
import os

import pytest

from saccade.imaging.slides.processes import PerProcess

OWN = PerProcess(lambda: [os.getpid()])


def pid_inside(_: int = 0) -> int:
    return OWN.get()[0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_process_has_its_own(method: str) -> None:
    assert OWN.get() == [os.getpid()] and OWN.get() is OWN.get()
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(pid_inside, [0]) != [os.getpid()]
    assert OWN.get() == [os.getpid()]


def test_a_lock_that_was_held_at_the_fork_is_not_waited_for() -> None:
    with OWN._lock:
        child = os.fork()
        if child == 0:  # no pytest in here
            os._exit(0 if OWN.get() == [os.getpid()] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_the_parent_had_is_kept_untouched() -> None:
    closed = []

    class Loud:
        def __del__(self) -> None:
            closed.append(os.getpid())

    held = PerProcess(Loud)
    held.get()
    child = os.fork()
    if child == 0:
        held.get()
        os._exit(len(closed))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

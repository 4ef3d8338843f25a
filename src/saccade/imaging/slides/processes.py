"""What every process must have of its own: open files, and locks that another thread may hold while a process forks."""

import os
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A value that is made when it is first asked for, and again in each forked process.

    A forked process keeps its parent's value without ever touching it: closing it might wait for a lock that was held
    at that moment by a thread which does not exist in the new process. Spawned processes import everything anew.

    >>> listed = PerProcess(list)
    >>> listed.get() is listed.get()
    True
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: list[T] = []
        self._inherited: list[list[T]] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_anew)

    def get(self) -> T:
        """The value of this process."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def _start_anew(self) -> None:
        self._lock = Lock()
        self._inherited.append(self._made)
        self._made = []

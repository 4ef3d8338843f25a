"""A few open files, the most recently used."""

from pathlib import Path

import pytest

from saccade.imaging.slides.handles import MAX_HELD, Handles


class Opened:
    """Stands in for a reader, and notes when it is gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = None
        self.held = 0

    def read_region(self, *_: int) -> None: ...
    def unpack(self, level: int, threads: int) -> None: ...
    def associated_image(self, name: str) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def opened() -> list[Path]:
    return []


def test_the_longest_unused_makes_room(opened: list[Path]) -> None:
    def make(path: Path) -> Opened:
        opened.append(path)
        return Opened(path)

    a, b, c = map(Path, "abc")
    handles = Handles(limit=2)
    first = handles.reader(a, make)
    handles.reader(b, make)
    assert handles.reader(a, make) is first
    handles.reader(c, make)
    assert len(handles) == 2 and a in handles and c in handles and b not in handles
    handles.reader(b, make)
    assert opened == [a, b, c, b] and a not in handles
    assert first.path == a, "whoever still holds a reader may go on with it"


def test_what_is_kept_in_memory_is_bounded_too() -> None:
    def make(path: Path) -> Opened:
        reader = Opened(path)
        reader.held = MAX_HELD // 2 if path.name < "m" else 2 * MAX_HELD
        return reader

    a, b, c, z = map(Path, "abcz")
    handles = Handles(limit=9)
    for path in (a, b, c):
        handles.reader(path, make)
    assert len(handles) == 2 and a not in handles
    handles.reader(z, make)
    assert len(handles) == 1 and z in handles


def test_dropped_and_replaced() -> None:
    handles = Handles(limit=2)
    path = Path("a")
    first = handles.reader(path, Opened)
    handles.keep(path, other := Opened(path))
    assert handles.reader(path, Opened) is other is not first
    handles.drop(path)
    handles.drop(path)
    assert path not in handles and handles.reader(path, Opened) is not other

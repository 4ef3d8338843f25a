"""What a command wrote before and does not now is removed; whatever else lies there stays."""

import json
from pathlib import Path

import pytest

from saccade.cli.written_files import NAME, WrittenFiles


def write(out: Path, **texts: str) -> list[str]:
    """One run of a command; returns what it removed."""
    written = WrittenFiles(out)
    for name, text in texts.items():
        path = out / "maps" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.add(path)
    return [path.name for path in written.finish()]


def names(out: Path) -> set[str]:
    return {path.name for path in (out / "maps").iterdir()}


def test_only_what_was_written_before_goes(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "own").write_text("a pathologist's")
    assert write(tmp_path, a="1", b="2") == []
    assert write(tmp_path, b="3", c="4") == ["a"]
    assert names(tmp_path) == {"own", "b", "c"}
    assert write(tmp_path, a="1") == ["b", "c"]  # b as it was written last


def test_what_was_changed_since_stays_for_good(tmp_path: Path) -> None:
    write(tmp_path, a="1", b="2")
    (tmp_path / "maps" / "a").write_text("corrected by hand")
    (tmp_path / "maps" / "b").unlink()
    assert write(tmp_path, c="3") == write(tmp_path, c="3") == []
    assert names(tmp_path) == {"a", "c"}


def test_others_are_those_not_written_now(tmp_path: Path) -> None:
    write(tmp_path, a="1")
    (tmp_path / "maps" / ".hidden").touch()
    written = WrittenFiles(tmp_path)
    assert [path.name for path in written.others("maps", "absent")] == ["a"]
    written.add(tmp_path / "maps" / "a")
    assert written.others("maps") == []


@pytest.mark.parametrize("outside", ["../outside", "maps/../../outside", "{absolute}"])
def test_nothing_outside_the_folder_is_touched(tmp_path: Path, outside: str) -> None:
    out, victim = tmp_path / "out", tmp_path / "outside"
    write(out, a="1")
    victim.write_text("1")
    noted = json.loads((out / NAME).read_text())
    (out / NAME).write_text(json.dumps({outside.format(absolute=victim): noted["maps/a"]}))
    assert write(out, b="2") == [] and victim.is_file()


@pytest.mark.parametrize("text", ["", "[]", '{"maps/a": 3}', "\x00"])
def test_a_damaged_note_removes_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, a="1")
    (tmp_path / NAME).write_text(text)
    assert write(tmp_path, b="2") == [] and names(tmp_path) == {"a", "b"}

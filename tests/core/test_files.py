"""Files appear whole under their name or not at all."""

import errno
import json
import multiprocessing
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from saccade.core.errors import BadInput, SaccadeError
from saccade.core.files import (
    AlreadyClaimed,
    atomic_path,
    atomic_table,
    check_writable,
    claimed_path,
    new_folder,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)
from tests.read_only import forbid_folder


def test_writers(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.txt", "µm\n")
    write_bytes(tmp_path / "a.bin", b"\0\1")
    write_json(tmp_path / "a.json", {"k": [1, None]})
    write_csv(tmp_path / "a.csv", ("path", "mpp"), [("a,b.png", None), ("c.png", 0.25)])
    assert (tmp_path / "deep" / "a.txt").read_bytes() == "µm\n".encode()
    assert (tmp_path / "a.bin").read_bytes() == b"\0\1"
    assert json.loads((tmp_path / "a.json").read_text()) == {"k": [1, None]}
    assert (tmp_path / "a.csv").read_text() == 'path,mpp\n"a,b.png",\nc.png,0.25\n'


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:
        temporary.write_text("half")
        assert temporary.parent == tmp_path and temporary.suffix == ".txt" and temporary.name.startswith(".")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_table_grows_row_by_row_and_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.csv"
    with atomic_table(target) as add:
        add(("path", "note"))
        add(["a,b.png", None])
        add(("caf\udce9.png", "µm"))  # as Python has a file name that is not UTF-8
        assert not target.exists()
    whole = 'path,note\n"a,b.png",\ncaf\\udce9.png,µm\n'.encode()
    assert target.read_bytes() == whole
    with pytest.raises(KeyboardInterrupt), atomic_table(target) as add:
        add(("half",))
        raise KeyboardInterrupt
    assert target.read_bytes() == whole
    assert list(target.parent.iterdir()) == [target]


def test_nan_is_no_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_unwritable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaccadeError, match=r"cannot be written .*Check the folder"):
        write_text(tmp_path / "file" / "a.txt", "")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(SaccadeError, match="cannot be written"):
        write_text(tmp_path / "taken", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]


@pytest.mark.parametrize("writing", [atomic_path, claimed_path])
def test_a_folder_that_cannot_be_made_on_the_way_is_one_line(
    writing: Callable[[Path], AbstractContextManager[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_folder(monkeypatch, tmp_path / "far")
    with (
        pytest.raises(
            SaccadeError, match=r"far/away/a: cannot be written \(Read-only file system\)\. Check the folder"
        ),
        writing(tmp_path / "far" / "away" / "a"),
    ):
        pass


def test_other_files_keep_their_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "missing").read_text()


def test_usual_permissions(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "")
    (tmp_path / "b.txt").touch()
    assert os.stat(tmp_path / "a.txt").st_mode == os.stat(tmp_path / "b.txt").st_mode


def test_new_folder(tmp_path: Path) -> None:
    folder = new_folder(tmp_path / "runs" / "a")
    assert new_folder(folder) == folder, "an empty folder may be used"
    (folder / "x").touch()
    with pytest.raises(BadInput, match=r"already exists and is not empty. Use --resume"):
        new_folder(folder, remedy="use --resume")
    with pytest.raises(BadInput, match="not a folder"):
        new_folder(folder / "x")
    with pytest.raises(SaccadeError, match="cannot be made"):
        new_folder(folder / "x" / "y")


def _write_while_claimed(path: str, outcomes: "multiprocessing.Queue[str]") -> None:
    try:
        with claimed_path(path) as temporary:
            temporary.write_text("the second")
        outcomes.put("written")
    except AlreadyClaimed as error:
        outcomes.put(str(error))


def _outcome_elsewhere(path: Path) -> str:
    context = multiprocessing.get_context("spawn")
    outcomes = context.Queue()
    process = context.Process(target=_write_while_claimed, args=(str(path), outcomes))
    process.start()
    outcome = outcomes.get(timeout=60)
    process.join()
    return outcome


def test_one_process_at_a_time_writes_a_claimed_file(tmp_path: Path) -> None:
    target = tmp_path / "a.h5"
    with claimed_path(target) as temporary:
        temporary.write_text("the first")
        refused = f"{target}: another process is writing it. Wait for it to end, or end it"
        assert _outcome_elsewhere(target) == refused
        with pytest.raises(AlreadyClaimed), claimed_path(target):
            pass
        assert temporary.read_text() == "the first"  # the refused attempts have not touched it
    assert target.read_text() == "the first"
    assert _outcome_elsewhere(target) == "written"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "a.h5"
    (tmp_path / ".a.h5.partial").write_text("a longer text, half written")
    with claimed_path(target) as temporary:
        assert temporary.name == ".a.h5.partial"
        temporary.write_text("whole")
    assert target.read_text() == "whole"


def test_failure_frees_the_claim_and_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "a.h5"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), claimed_path(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with claimed_path(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"


def test_a_claim_after_the_rename_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our rename and our release, another process may have begun the next version under the same name."""
    target = tmp_path / "a.h5"
    rename = os.replace

    def rename_and_begin_anew(source: Path, goal: Path) -> None:
        rename(source, goal)
        Path(source).write_text("another's")

    monkeypatch.setattr(os, "replace", rename_and_begin_anew)
    with claimed_path(target) as temporary:
        temporary.write_text("ours")
    assert target.read_text() == "ours"
    assert temporary.read_text() == "another's"


def test_a_file_finished_between_opening_and_locking_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process has renamed what we opened: its lock is free, but it is no longer ours to write to."""
    target, begun = tmp_path / "a.h5", os.open

    def open_as_the_other_ends(path: Path, *options: int) -> int:
        descriptor = begun(path, *options)
        if not target.exists():
            os.rename(path, target)
            target.write_text("theirs")
        return descriptor

    monkeypatch.setattr(os, "open", open_as_the_other_ends)
    with claimed_path(target) as temporary:
        assert target.read_text() == "theirs" and temporary.read_text() == ""
        temporary.write_text("ours")
    assert target.read_text() == "ours"


def test_file_systems_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from saccade.core import files

    def no_locks(*_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(files.fcntl, "flock", no_locks)
    with claimed_path(tmp_path / "a.h5") as temporary:
        temporary.write_text("whole")
    assert (tmp_path / "a.h5").read_text() == "whole"


def test_unclaimable_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaccadeError, match=r"cannot be written .*Check the folder"), claimed_path(tmp_path / "file/a"):
        pass


def test_what_could_not_be_written_is_told_beforehand(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "a.json")
    assert list((tmp_path / "new").iterdir()) == [], "nothing is left behind"
    (tmp_path / "file").touch()
    with pytest.raises(SaccadeError, match=r"cannot be written .*choose another place"):
        check_writable(tmp_path / "file" / "a.json")
    with pytest.raises(BadInput, match="is a folder"):
        check_writable(tmp_path)

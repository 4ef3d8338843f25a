"""Files appear whole under their name or not at all."""

import json
import os
from pathlib import Path

import pytest

from saccade.core.errors import BadInput, SaccadeError
from saccade.core.files import atomic_path, new_folder, write_bytes, write_csv, write_json, write_text


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

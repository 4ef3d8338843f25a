"""One line for every fault of a file, which names it."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.imaging.file_faults import told_in_one_line


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (BadInput("has no pixels", "add some"), r"a\.png: has no pixels\. Add some"),
        (PermissionError(13, "Permission denied"), r"a\.png: cannot be opened \(Permission denied\)"),
        (FileNotFoundError(), r"a\.png: there is no such file"),
        (SyntaxError("not\n a  PNG"), r"a\.png: is damaged or not a picture \(not a PNG\)"),
        (ValueError(), r"a\.png: is damaged or not a picture \(ValueError\)"),
    ],
)
def test_every_fault_names_the_file(fault: Exception, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"something")
    with pytest.raises(BadInput, match=message) as raised, told_in_one_line(path, "a picture"):
        raise fault
    assert "\n" not in str(raised.value)


def test_an_empty_file_is_not_even_tried(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(BadInput, match="the file is empty"), told_in_one_line(tmp_path / "a.png"):
        raise AssertionError("tried")


def test_nothing_wrong_is_nothing_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"something")
    with told_in_one_line(tmp_path / "a.png"):
        pass

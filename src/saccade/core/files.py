"""Writing files whole or not at all: under a temporary name in the same folder, then renamed."""

import csv
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from saccade.core.errors import BadInput, SaccadeError


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Give a temporary path to write to; it gets its final name only if the block ends well.

    The temporary file is hidden, lies in the same folder (a rename across disks copies) and keeps the
    suffix, by which many writers choose their format. Missing folders are made.

    >>> with atomic_path("notes/a.txt") as temporary:
    ...     _ = temporary.write_text("whole or not at all")
    >>> Path("notes/a.txt").read_text()
    'whole or not at all'
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(6)}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename not in (None, os.fspath(temporary), os.fspath(path.parent)):
            raise  # another file's trouble, met while writing this one
        reason = error.strerror or str(error)
        remedy = "check the folder's permissions and the free space, or choose another place"
        raise SaccadeError(f"cannot be written ({reason})", remedy, os.fspath(path)) from error
    finally:
        with suppress(OSError):  # it was renamed, or there was no place to make it
            temporary.unlink()


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write bytes, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path | str, value: Any) -> None:
    """Write indented JSON, whole or not at all; NaN and infinity, which JSON has not, are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path | str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a comma-separated table with a header, whole or not at all; None becomes an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def new_folder(path: Path | str, remedy: str = "choose another folder, or remove this one") -> Path:
    """Make an output folder; ``BadInput`` if it already holds something, so that no run overwrites another."""
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise BadInput("is a file, not a folder", "choose another output folder", str(path))
    if path.is_dir() and any(path.iterdir()):
        raise BadInput("the output folder already exists and is not empty", remedy, str(path))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        remedy = "check the folder's permissions, or choose another place"
        raise SaccadeError(f"cannot be made ({error.strerror})", remedy, str(path)) from error
    return path


def _flush_to_disk(path: Path) -> None:
    """Have the bytes on the disk before the rename, or a power cut could leave an empty file."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())

"""Writing files whole or not at all: under a temporary name in the same folder, then renamed."""

import csv
import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from saccade.core.errors import BadInput, SaccadeError

try:
    import fcntl
except ImportError:  # Windows has none; nothing is claimed there
    fcntl = None


AddRow = Callable[[Iterable[Any]], Any]
"""Appends a row to a table."""


class AlreadyClaimed(SaccadeError):
    """Another process is writing this file at the moment."""


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
        _raise_unwritable(error, path, temporary)
    finally:
        with suppress(OSError):  # it was renamed, or there was no place to make it
            temporary.unlink()


@contextmanager
def claimed_path(path: Path | str) -> Iterator[Path]:
    """Like ``atomic_path``, for files that take long to write and that many processes may want to write.

    The temporary file is always ``.<name>.partial``, so that the next attempt overwrites what a killed one left, and
    it is locked for as long as the block runs. The lock goes with its process, however that ends: none is ever stale.
    File systems that know no locks are written without one.

    >>> with claimed_path("notes/b.txt") as temporary:
    ...     _ = temporary.write_text("by one process at a time")
    >>> temporary.name
    '.b.txt.partial'

    Raises:
        AlreadyClaimed: Another process, or another block of this one, is writing the file.
        SaccadeError: It cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.partial")
    claim = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        claim = _claim(temporary, path)
        yield temporary
        _flush_to_disk(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        if claim is not None:  # after the rename, a file of this name would be another process's
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            _raise_unwritable(error, path, temporary)
        raise
    finally:
        if claim is not None:
            _release(claim)


def check_writable(path: Path | str) -> None:
    """Raise now what writing a file would raise later, for commands that work long before they write."""
    path = Path(path)
    if path.is_dir():
        raise BadInput("is a folder, not a file", "choose another name", os.fspath(path))
    temporary = path.with_name(f".{secrets.token_hex(6)}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    except OSError as error:
        _raise_unwritable(error, path, temporary)
    finally:
        with suppress(OSError):  # it may never have been made
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


@contextmanager
def atomic_table(path: Path | str) -> Iterator[AddRow]:
    """Give what appends rows to a comma-separated table, which is named only when it is whole.

    For rows that come one by one; an existing file is replaced. Text that is not valid, as a file name need not be, is
    written as escapes.

    >>> with atomic_table("notes/c.csv") as add:
    ...     _ = add(("path", "mpp")), add(("a,b.png", 0.25))
    >>> Path("notes/c.csv").read_text().splitlines()
    ['path,mpp', '"a,b.png",0.25']
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        yield csv.writer(file, lineterminator="\n").writerow


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


def _claim(temporary: Path, path: Path) -> int:
    """Open the temporary file and lock it; give its descriptor, which holds the lock."""
    while True:
        claim = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                os.close(claim)
                remedy = "wait for it to end, or end it"
                raise AlreadyClaimed("another process is writing it", remedy, os.fspath(path)) from error
        # Whoever held it before may have renamed or removed the file between our opening and our locking it.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(claim), os.stat(temporary)):
                return claim
        os.close(claim)


def _release(claim: int) -> None:
    """Unlock by name, not by closing alone: a process forked meanwhile has the descriptor too."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(claim, fcntl.LOCK_UN)
    os.close(claim)


def _raise_unwritable(error: OSError, path: Path, temporary: Path) -> NoReturn:
    """Tell what went wrong while writing, in one line; another file's trouble, met meanwhile, stays as it is."""
    folders = map(os.fspath, path.parents)  # of those to be made, the system names the first that cannot be
    if error.filename not in (None, os.fspath(temporary), *folders):
        raise error
    reason = error.strerror or str(error)
    remedy = "check the folder's permissions and the free space, or choose another place"
    raise SaccadeError(f"cannot be written ({reason})", remedy, os.fspath(path)) from error


def _flush_to_disk(path: Path) -> None:
    """Have the bytes on the disk before the rename, or a power cut could leave an empty file."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())

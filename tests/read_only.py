"""A folder that cannot be made; permissions would not do, for tests may run as root."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest


def forbid_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the system refuse to make a folder, as on a disk that is mounted to be read only."""
    make = os.mkdir

    def mkdir(path: Any, *mode: Any, **options: Any) -> None:
        if Path(path) == folder:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), os.fspath(path))
        make(path, *mode, **options)

    monkeypatch.setattr(os, "mkdir", mkdir)

"""Which files of a folder a command wrote, so that it can remove those that it writes no longer, and no others.

A hidden file beside them holds a digest of each. A file that was changed since is somebody's work and stays.
"""

import hashlib
import json
import os
from pathlib import Path, PurePosixPath

from saccade.core.files import write_json

NAME = ".written.json"


class WrittenFiles:
    """The files that a command writes into a folder, this time and the last.

    >>> def run(*names):
    ...     written = WrittenFiles("out")
    ...     for path in map(Path("out").joinpath, names):
    ...         written.add(path if path.write_text("a map") else path)
    ...     return [path.name for path in written.finish()]
    >>> Path("out").mkdir(); _ = Path("out/own").write_text("somebody's")
    >>> run("a", "b"), run("b", "c"), sorted(path.name for path in Path("out").iterdir())
    ([], ['a'], ['.written.json', 'b', 'c', 'own'])

    Args:
        folder: The command's output folder.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self._before, self._now = _load(self.folder / NAME), dict[str, str]()

    def add(self, path: Path) -> None:
        """Note a file that is written now."""
        self._now[path.relative_to(self.folder).as_posix()] = _digest(path)

    def finish(self) -> list[Path]:
        """Remove what was written last time and is not now, and return it; then keep what is written now in mind."""
        removed = []
        for name in sorted(self._before.keys() - self._now.keys()):
            path = self.folder / name
            if path.is_file() and not path.is_symlink() and _digest(path) == self._before[name]:
                path.unlink()
                removed.append(path)
        write_json(self.folder / NAME, self._now)
        return removed

    def others(self, *folders: str) -> list[Path]:
        """Files in these of its folders that are not written now."""
        found = (path for folder in folders for path in sorted((self.folder / folder).glob("[!.]*")))
        return [path for path in found if path.relative_to(self.folder).as_posix() not in self._now]


def _load(path: Path) -> dict[str, str]:
    """What was noted last time; nothing where that is not there, damaged, or leads out of the folder."""
    try:
        noted = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    pairs = noted.items() if isinstance(noted, dict) else ()
    return {name: digest for name, digest in pairs if isinstance(digest, str) and _is_inside(name)}


def _is_inside(name: str) -> bool:
    return not os.path.isabs(name) and ".." not in PurePosixPath(name.replace("\\", "/")).parts


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

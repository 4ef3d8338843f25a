"""Folders of images: one folder per class, or just images to predict.

Hidden files and folders are passed over, folders below a class are searched, links are followed. Where the folders at
the top are called train, val or test, they are taken for the split and the folders below them for the classes.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.manifest import Manifest, Row, load_image_table, ordered_classes, part_of
from saccade.imaging.event_files import EVENT_SUFFIXES, is_recording
from saccade.imaging.image_files import SUFFIXES, is_image

MANIFEST_NAME = "manifest.csv"
_KINDS = " ".join(sorted(SUFFIXES))
_IGNORED_FOLDERS = {"__MACOSX", "__pycache__"}


def load_folder(folder: Path | str) -> Manifest:
    """Load a folder of class folders; the name of the folder is the label of the images in it.

    Raises:
        BadInput: No such folder, no class folders, or a class folder without an image.
    """
    manifest, problems = inspect_folder(folder)
    raise_first(problems)
    return manifest


def inspect_folder(folder: Path | str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The images below the class folders, with a problem for each empty class and a note on files left out."""
    folder = _existing(folder)
    rows: list[Row] = []
    problems: list[Problem] = []
    others: Counter[str] = Counter()
    for label, part, home in _class_folders(folder):
        files = list(_files(home))
        images = [path for path in files if is_image(path)]
        others.update(path.suffix.lower() or "no suffix" for path in files if not is_image(path))
        if not images:
            problems.append(
                Problem("the class folder holds no image", f"add images ({_KINDS}) or remove it", str(home))
            )
        rows += [Row(path, label, name=path.relative_to(folder).as_posix(), split=part) for path in images]
    loose = [path for path in _entries(folder) if path.is_file() and is_image(path)]
    if loose:
        message = f"{len(loose)} images lie beside the class folders and are left out, such as {loose[0].name}"
        problems.append(Problem(message, "move each into the folder of its class", str(folder), "note"))
    if others:
        kinds = ", ".join(f"{count} {kind}" for kind, count in others.most_common(5))
        message = f"{others.total()} files of other kinds are left out: {kinds}"
        problems.append(Problem(message, f"convert them to one of {_KINDS} if they matter", str(folder), "note"))
    return Manifest(tuple(rows), ordered_classes(row.label for row in rows), folder), tuple(problems)


def list_images(path: Path | str) -> list[Path]:
    """The paths of ``image_rows``."""
    return [row.path for row in image_rows(path)]


def image_rows(path: Path | str) -> list[Row]:
    """The images of a folder and the folders below it, with what is known of each; a file stands for itself.

    Where a folder holds a ``manifest.csv``, they are those that it names, in its order: masks are images too, and lie
    beside the cells. Elsewhere they are the image files, sorted, named by their place in the folder.

    Raises:
        BadInput: Nothing is there, nothing that can be loaded, or a manifest that says nothing.
    """
    path = Path(path)
    if path.is_file():
        return [Row(path, "", name=path.name)]
    rows: list[Row] = []
    for leaf in _leaves(_existing(path), described=True):
        if leaf.name == MANIFEST_NAME:
            rows += load_image_table(leaf).rows
        elif leaf.is_file() and is_image(leaf):
            rows.append(Row(leaf, "", name=leaf.relative_to(path).as_posix()))
    return rows or _none(path, "image", _KINDS)


def list_recordings(path: Path | str) -> list[Path]:
    """The recordings of event cameras in a folder and the folders below it, sorted; a file stands for itself.

    Raises:
        BadInput: Nothing is there, or nothing that can hold events.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    found = [file for file in _files(_existing(path)) if is_recording(file)]
    return found or _none(path, "recording of events", " ".join(sorted(EVENT_SUFFIXES)))


def _none(path: Path, noun: str, kinds: str) -> NoReturn:
    raise BadInput(f"the folder holds no {noun}", f"give a folder with files of {kinds}", str(path))


def list_others(path: Path | str) -> list[Path]:
    """What is no image in a folder, sorted: files of other kinds and links that lead nowhere.

    Neither manifests nor what is hidden count; a file has nothing to leave out.
    """
    path = Path(path)
    if path.is_file():
        return []
    others = (entry for entry in _leaves(_existing(path)) if not (entry.is_file() and is_image(entry)))
    return [entry for entry in others if entry.name != MANIFEST_NAME]


def list_unnamed(path: Path | str) -> list[Path]:
    """The images of a folder that ``list_images`` leaves out, sorted: the manifest beside them has no row for them."""
    path = Path(path)
    if path.is_file():
        return []
    named = set(list_images(path))
    return [file for file in _files(path) if is_image(file) and file not in named]


def _class_folders(folder: Path) -> list[tuple[str, str, Path]]:
    """Label, part (empty where the folders do not say) and folder of each class."""
    homes = [path for path in _entries(folder) if path.is_dir()]
    parts = {home: _part_name(home.name) for home in homes}
    if homes and all(parts.values()):
        return [(path.name, parts[home], path) for home in homes for path in _entries(home) if path.is_dir()]
    if not homes:
        message = "has no class folders, only images" if any(map(is_image, _entries(folder))) else "is an empty folder"
        raise BadInput(
            message, "put the images of each class in a folder of its name, or add a manifest.csv", str(folder)
        )
    return [(home.name, "", home) for home in homes]


def _part_name(name: str) -> str:
    try:
        return part_of(name)
    except BadInput:
        return ""


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, without what is hidden."""
    return sorted(
        path for path in folder.iterdir() if not path.name.startswith(".") and path.name not in _IGNORED_FOLDERS
    )


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder, sorted."""
    return (path for path in _leaves(folder) if path.is_file())


def _leaves(folder: Path, above: frozenset[str] = frozenset(), described: bool = False) -> Iterator[Path]:
    """Whatever is no folder below a folder, sorted; a link back to a folder above is not followed.

    Args:
        folder: Where to begin.
        above: The folders above it.
        described: Whether a folder's manifest stands for all of the folder.
    """
    place = os.path.realpath(folder)
    if place in above:
        return
    if described and (folder / MANIFEST_NAME).is_file():
        yield folder / MANIFEST_NAME
        return
    for path in _entries(folder):
        if path.is_dir():
            yield from _leaves(path, above | {place}, described)
        else:
            yield path


def _existing(folder: Path | str) -> Path:
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput("there is no such file or folder", "check the path", str(folder))
    return folder

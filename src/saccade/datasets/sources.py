"""One way into every kind of data set: a folder of classes, a manifest or a MedMNIST file."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.manifest import Manifest, Row, inspect_manifest
from saccade.datasets.bags import simulated_bags
from saccade.datasets.folders import MANIFEST_NAME, inspect_folder
from saccade.datasets.medmnist import load_medmnist, stream_images
from saccade.imaging.image_files import Array, load_image

SIMULATED = "simulated-"
"""How the cases and the images of the simulators begin."""


@dataclass(frozen=True)
class Proxy:
    """Images computed from others to be like those of another modality.

    Attributes:
        prefix: How their cases and their files begin.
        word: What they are called.
    """

    prefix: str
    word: str


PROXIES = {"opd": Proxy("proxy-opd-", "OPD-like proxy"), "events": Proxy("proxy-events-", "event-like proxy")}
_PREFIXES = "|".join(proxy.prefix for proxy in PROXIES.values())
_NAMED = re.compile(rf"(?:(?P<proxy>{_PREFIXES})(?:\d+_)?)?(?P<simulated>{SIMULATED})?")  # proxies' files are numbered
_BLOCK = 4096  # images handed to the threads at a time, so that a long table is not a million waiting tasks


def open_manifest(path: Path | str) -> Manifest:
    """The rows of a data set: a ``.csv`` manifest, a MedMNIST ``.npz``, or a folder of class folders.

    A folder that holds a ``manifest.csv`` is described by it.

    Raises:
        BadInput: For the first problem, naming file or row.
    """
    manifest, problems = inspect_data(path)
    raise_first(problems)
    return manifest


def inspect_data(path: Path | str) -> tuple[Manifest, tuple[Problem, ...]]:
    """The usable rows of a data set of any kind, with a problem for each that is not."""
    path = Path(path)
    if path.is_dir():
        inside = path / MANIFEST_NAME
        return inspect_manifest(inside) if inside.is_file() else inspect_folder(path)
    if path.suffix.lower() == ".npz":
        return load_medmnist(path), ()
    if path.suffix.lower() in (".csv", ".tsv", ".txt") or not path.exists():
        return inspect_manifest(path)
    raise BadInput("is no data set", "give a folder of class folders, a manifest.csv or a MedMNIST .npz", str(path))


def is_simulated(manifest: Manifest, bags: Iterable[Path] = ()) -> bool:
    """Whether every image says that it came from a simulator, by its names or, of slides, in the file of its features.

    Args:
        manifest: The rows.
        bags: The files of features of slides; they are opened up to the first that does not say so.
    """
    told = [_told(row) for row in manifest.rows]
    if all(one.simulated and one.proxy is None for one in told):
        return True
    files = [*bags]
    return bool(files) and all(simulated_bags([path]) for path in files)


def origin_of(manifest: Manifest, bags: Iterable[Path] = ()) -> str:
    """What is to be said of a data set beside every figure: that it is simulated, or what it is a proxy of.

    Cases say it, and names of files, whose images may have come without a manifest. A set is called a proxy as soon as
    one image is, and a simulated proxy where all of it is, of simulated images. One in which some images are simulated
    is called that.

    >>> origin_of(open_manifest("cells"))
    ''

    Args:
        manifest: The rows.
        bags: The files of features of slides, as in ``is_simulated``.

    Returns:
        ``simulated``, ``partly simulated``, ``OPD-like proxy``, ``event-like proxy``, ``simulated`` and one of these,
        or nothing, to stand before a noun.
    """
    told = [_told(row) for row in manifest.rows]
    simulated = [one.simulated for one in told]
    if proxy := next((one.proxy for one in told if one.proxy is not None), None):
        return f"simulated {proxy.word}" if all(simulated) else proxy.word
    if is_simulated(manifest, bags):
        return "simulated"
    return "partly simulated" if any(simulated) else ""


@dataclass(frozen=True)
class _Told:
    """What the names of an image say: whether it, or what it was computed from, is simulated; what it is a proxy of."""

    simulated: bool
    proxy: Proxy | None


def _told(row: Row) -> _Told:
    """What the case says, and the name of the image: the folders and the file each begin as they were named."""
    parts = (part for name in (row.case_id, row.name) for part in name.split("/"))
    found = [match.groupdict() for match in map(_NAMED.match, parts) if match]
    proxy = next((proxy for proxy in PROXIES.values() for one in found if one["proxy"] == proxy.prefix), None)
    return _Told(any(one["simulated"] for one in found), proxy)


def first_image(manifest: Manifest) -> Array:
    """The first image of a data set, from which size, channels and type of values are told."""
    found: list[Array] = []
    raise_first(tuple(each_image(manifest.rows[:1], lambda _, image: found.append(image))))
    if not found:
        raise BadInput("holds no images", "add some", str(manifest.source))
    return found[0]


def each_image(
    rows: Sequence[Row],
    use: Callable[[int, Array], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Problem]:
    """Load every image once, in threads, and hand it to ``use`` with the number of its row.

    Args:
        rows: Images of any kind of data set.
        use: Called from several threads, in any order; it may raise ``BadInput``.
        progress: Told how many of how many images are done.

    Returns:
        A problem for each image that could not be loaded or used, in the order of the rows.
    """
    found: list[Problem | None] = [None] * len(rows)
    files = [index for index, row in enumerate(rows) if not row.member]
    archives: dict[Path, dict[str, int]] = defaultdict(dict)
    for index, row in enumerate(rows):
        if row.member:
            archives[row.path][row.member] = index

    def attempt(index: int) -> None:
        try:
            use(index, load_image(rows[index].path))
        except BadInput as error:
            found[index] = Problem(error.message, error.remedy, rows[index].place)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        for start in range(0, len(files), _BLOCK):
            for done, _ in enumerate(threads.map(attempt, files[start : start + _BLOCK]), start + 1):
                progress(done, len(rows))
    done = len(files)
    for path, members in archives.items():
        _each_member(path, members, use, found)
        done += len(members)
        progress(done, len(rows))
    return [problem for problem in found if problem is not None]


def _each_member(
    path: Path, members: dict[str, int], use: Callable[[int, Array], None], found: list[Problem | None]
) -> None:
    """The images inside one file, in its order; a damaged file is one problem, at the first image it cost."""
    left = dict(members)
    try:
        for name, image in stream_images(path, set(members)):
            index = left.pop(name)
            try:
                use(index, image)
            except BadInput as error:
                found[index] = Problem.of(error)
    except BadInput as error:
        found[min(left.values(), default=0)] = Problem.of(error)

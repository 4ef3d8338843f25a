"""Bags joined to the labels of a table: each slide's stored features with its class.

Whose features a file holds is told by what the file says of itself, else by its place in the folder; the slide a row
means, by its path or id. The shorter of the two names must be the end of the longer one, whole folder names at a time:
``s``, ``s.svs`` and ``a/s.svs`` all name ``a/s.svs``, and none of them ``b/s.svs``.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.manifest import Manifest, Row, inspect_labels, inspect_names
from saccade.features.store.bag import Bag
from saccade.features.store.reading import BAG_SUFFIXES, bag_name, open_bag

_COORDS = "_patches.h5"
_CLAM = ("h5_files", "pt_files")
_OF_SLIDES = "slide_features_"  # a folder of vectors, one for each slide


@dataclass(frozen=True, eq=False)
class Bags:
    """The bags of labelled slides, opened one at a time as they are asked for.

    It holds paths and labels only, and can be pickled for a ``DataLoader``'s workers.

    Attributes:
        manifest: The slides' rows and classes; row i belongs to bag i.
        paths: The file of each bag.
    """

    manifest: Manifest
    paths: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Bag:
        """One bag, opened anew; where its coordinates are in micrometres, the row's mpp places them.

        Raises:
            BadInput: The file is damaged.
        """
        return open_bag(self.paths[index], mpp=self.manifest.rows[index].mpp)

    @property
    def labels(self) -> tuple[int, ...]:
        """The class of each bag, as its place among ``manifest.classes``."""
        numbers = {name: number for number, name in enumerate(self.manifest.classes)}
        return tuple(numbers[row.label] for row in self.manifest.rows)

    def take(self, indices: Sequence[int]) -> "Bags":
        """These bags, in this order; the classes stay, so that their numbers do."""
        rows = tuple(self.manifest.rows[index] for index in indices)
        return Bags(replace(self.manifest, rows=rows), tuple(self.paths[index] for index in indices))

    def part(self, part: str) -> "Bags":
        """The bags of the training, validation or test part: ``train``, ``val``, ``test``."""
        self.manifest.part(part)  # says which parts there are, if not this one
        return self.take([index for index, row in enumerate(self.manifest.rows) if row.split == part])


def open_bags(table: Path | str, folder: Path | str) -> Bags:
    """The bags of a folder with the labels of a table; the slides themselves need not be here.

    Cost: one look into every feature file.

    Args:
        table: A manifest, or a table of slide ids and labels as CLAM's.
        folder: Feature files, at any depth: a job's folder, or its ``features_<encoder>`` where it holds several.

    Raises:
        BadInput: The first row that is wrong, has no features or could mean several files.
    """
    return _joined(inspect_labels(table), folder)


def open_unlabelled_bags(table: Path | str, folder: Path | str) -> Bags:
    """The same for a table that need not tell the slides' labels, since something else is asked of them."""
    return _joined(inspect_names(table), folder)


def _joined(inspected: tuple[Manifest, tuple[Problem, ...]], folder: Path | str) -> Bags:
    """The bags of a table's rows; raises for the first row that is wrong or has none."""
    manifest, problems = inspected
    bags, more = join_bags(manifest, folder)
    raise_first((*problems, *more))
    return bags


def join_bags(manifest: Manifest, folder: Path | str) -> tuple[Bags, tuple[Problem, ...]]:
    """The rows that have a bag, with it, and a problem for each row that has none or too many.

    Raises:
        BadInput: There is no such folder, it holds no feature files, or those of several encoders.
    """
    known = _known_bags(Path(folder))
    taken: dict[Path, Row] = {}
    problems: list[Problem] = []
    for row in manifest.rows:
        try:
            path = _bag_of(row, known, str(folder))
            if path in taken:
                message = f"means the same features as row {taken[path].line}: {path}"
                raise BadInput(message, "keep one of the two rows, or write their folders", row.place)
            taken[path] = row
        except BadInput as error:
            problems.append(Problem.of(error))
    joined = replace(manifest, rows=tuple(taken.values()))
    return Bags(joined, tuple(taken)), tuple(problems)


def _bag_of(row: Row, known: dict[str, list[tuple[PurePosixPath, Path]]], folder: str) -> Path:
    """The one file whose slide a row names."""
    wanted = named_slide(row.name)
    found = {path: name for key in {wanted.name, wanted.stem} for name, path in known[key] if same_slide(wanted, name)}
    if len(found) > 1:  # a name that is equal in full beats one that only ends alike
        found = {path: name for path, name in found.items() if len(name.parts) == len(wanted.parts)} or found
    if not found:
        remedy = f"embed it, or correct its name; looked in {folder}"
        raise BadInput(f"there are no features of {row.name!r}", remedy, row.place)
    if len(found) > 1:
        files = " and ".join(sorted(str(path) for path in found)[:2])
        raise BadInput(f"{row.name!r} could mean {files}", "write the slide's folder too", row.place)
    return next(iter(found))


def named_slide(text: str) -> PurePosixPath:
    """The slide that a table's cell names: STAMP's tables name the feature files.

    >>> str(named_slide("a/s.h5")), str(named_slide("a/s.svs"))
    ('a/s', 'a/s.svs')
    """
    name = PurePosixPath(text)
    return name.with_suffix("") if name.suffix in BAG_SUFFIXES else name


def same_slide(first: PurePosixPath, second: PurePosixPath) -> bool:
    """Whether one name is the end of the other, with or without a suffix.

    >>> [same_slide(PurePosixPath("a/s.svs"), PurePosixPath(other)) for other in ("s", "a/s", "s.svs", "b/s.svs")]
    [True, True, True, False]
    """
    if second.name not in (first.name, first.stem) and first.name != second.stem:
        return False
    return all(a == b for a, b in zip(first.parts[-2::-1], second.parts[-2::-1], strict=False))


def simulated_bags(paths: Iterable[Path]) -> int:
    """How many of some files say that their slide was made by a program; one that cannot be opened says nothing."""
    count = 0
    for path in paths:
        with suppress(BadInput):
            count += open_bag(path).simulated
    return count


def list_bags(folder: Path | str) -> list[Path]:
    """The feature files of a folder, at any depth, in order.

    Raises:
        BadInput: There is no such folder, it holds no feature files, or those of several encoders.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput("there is no such folder", "give the folder of a job, or of feature files", str(folder))
    files = [path for path in sorted(folder.rglob("*")) if _is_bag(path, folder)]
    if not files:
        raise BadInput("holds no feature files", "embed slides into it first: saccade embed", str(folder))
    homes = sorted({home for path in files if (home := _home(path, folder)).name.startswith("features_")})
    if len(homes) > 1:
        names = ", ".join(home.relative_to(folder).as_posix() for home in homes)
        raise BadInput(f"holds features of several kinds: {names}", "give the folder of one of them", str(folder))
    return files


def _known_bags(folder: Path) -> dict[str, list[tuple[PurePosixPath, Path]]]:
    """The feature files of a folder by the last part of their slides' names, with and without suffix."""
    known: dict[str, list[tuple[PurePosixPath, Path]]] = defaultdict(list)
    for path in list_bags(folder):
        name = _slide_name(path, _home(path, folder))
        for key in {name.name, name.stem}:
            known[key].append((name, path))
    return known


def _is_bag(path: Path, folder: Path) -> bool:
    """Whether a file may hold features of patches.

    CLAM's tensors are passed over where it left its HDF5 files too, and TRIDENT's features of whole slides always.
    """
    aside = any(part.startswith((".", _OF_SLIDES)) for part in path.relative_to(folder).parts)
    if path.suffix not in BAG_SUFFIXES or aside or path.name.endswith(_COORDS) or not path.is_file():
        return False
    return path.suffix != ".pt" or not (path.parent.parent / "h5_files" / f"{path.stem}.h5").is_file()


def _home(path: Path, folder: Path) -> Path:
    """The folder below which a tool lays out its feature files; the folder given where there is no such."""
    above = [parent for parent in path.parents if parent.is_relative_to(folder) and parent != folder]
    named = [parent for parent in above if parent.name.startswith("features_") or parent.name in _CLAM]
    return named[-1] if named else folder


def _slide_name(path: Path, home: Path) -> PurePosixPath:
    """Whose features a file holds: what it says itself, or its place where that says more."""
    placed = PurePosixPath(path.relative_to(home).with_suffix("").as_posix())
    stated = bag_name(path)
    return stated if stated and len(stated.parts) >= len(placed.parts) else placed

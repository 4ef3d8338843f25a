"""Splitting a data set into training, validation and test part without cutting a case.

Parts are drawn by iterative stratification over cases (``core.stratification``). A class has images in every part as
soon as it has as many cases as there are parts; with two cases it is trained and tested, with one it is only trained,
and a note says so. Another note says where few cases hold a class and little else, so that the case gives the class
away.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from saccade.core.errors import BadInput, Problem, raise_first
from saccade.core.files import write_csv
from saccade.core.manifest import PARTS, Row, part_of
from saccade.core.site_folds import fold_sites
from saccade.core.stratification import Cases, distribute
from saccade.core.tables import load_table

FRACTIONS = (0.7, 0.15, 0.15)
"""Share of the images in training, validation and test part."""

_FEW_CASES = 4
"""A class whose images are those of fewer cases, counted by weight, may be told by its cases."""

_TELLING = 20
"""With fewer images of known cases than these, cases and classes go together by accident; our choice."""

_ASSOCIATED = 1 / 3
"""Share of a class's variance that its cases must explain before they are said to give it away; our choice."""

_RANK = {"train": 0, "test": 1, "val": 2}  # who is served first where there are too few cases for all


@dataclass(frozen=True)
class Split:
    """A part for every row, in the rows' order, and what the user should know about it."""

    parts: tuple[str, ...]
    notes: tuple[str, ...] = ()


def assign_parts(rows: Sequence[Row], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """The data set's own split where every row has one, else a drawn one.

    A split of its own that lacks a validation part gets one out of its training part, by case. Raises
    ``BadInput`` for a split that cuts a case, covers only some rows, or leaves a class untrained.
    """
    _require_classes(rows)
    split = given_or_drawn(rows, fractions, seed)
    if rows[0].split:  # a drawn one trains every class
        _require_trained(rows, split.parts)
    return replace(split, notes=(*split.notes, *confounding(rows)))


def given_or_drawn(rows: Sequence[Row], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """The same for rows that need not be of several classes: what their labels are, draws are stratified by."""
    given = [row for row in rows if row.split]
    if not given:
        return split_cases(rows, fractions, seed)
    if len(given) < len(rows):
        bare = next(row for row in rows if not row.split)
        message = f"only {len(given)} of {len(rows)} images say which part they are in"
        raise BadInput(message, "fill in the split of every row, or of none", bare.place)
    raise_first(cut_cases(rows))
    parts, notes = [row.split for row in rows], []
    if "val" not in parts and "train" in parts and fractions[1] > 0:
        training = [row for row in rows if row.split == "train"]
        share = fractions[1] / (fractions[0] + fractions[1])
        drawn = distribute(Cases(training), {"train": 1 - share, "val": share}, _RANK, seed)
        parts = [drawn[row.case] if row.split == "train" else row.split for row in rows]
        notes.append(
            f"the given split has no validation part: {share:.0%} of the training part, by case, serves as one"
        )
    return Split(tuple(parts), (*notes, *_absences(rows, parts)))


def split_cases(rows: Sequence[Row], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """Draw a split by case, stratified by label; every image of a case lands in one part.

    >>> rows = [Row(Path(name), label=name[0]) for name in ("a1", "a2", "a3", "b1", "b2", "b3")]
    >>> sorted(split_cases(rows).parts)
    ['test', 'test', 'train', 'train', 'val', 'val']
    """
    if len(fractions) != 3 or min(fractions) < 0 or fractions[0] <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise BadInput(f"split fractions {tuple(fractions)} do not fit", "give three, not negative, that sum to 1")
    shares = {part: share for part, share in zip(PARTS, fractions, strict=True) if share > 0}
    drawn = distribute(Cases(rows), shares, _RANK, seed)
    parts = [drawn[row.case] for row in rows]
    return Split(tuple(parts), _absences(rows, parts))


def fold_cases(
    rows: Sequence[Row], folds: int = 5, seed: int = 0, validation: float = 0.15, preserve_site: bool = False
) -> tuple[Split, ...]:
    """Cross-validation by case: each case is tested in exactly one fold, and validation comes out of training.

    The only case of a class is trained in every fold and tested in none, for a model that never saw a
    class cannot be tested on it.

    Args:
        rows: The images.
        folds: How many parts to test one after the other.
        seed: Seed of the draw.
        validation: Share of each fold's training part that serves to stop and choose by; drawn by case.
        preserve_site: Keep all images of one ``site`` (hospital) in the same fold, see ``core.site_folds``.

    Raises:
        BadInput: There are too few cases, or sites that do not make such folds.
    """
    _require_classes(rows)
    fold_of = fold_sites(rows, folds, seed) if preserve_site else _draw_folds(rows, folds, seed)
    splits = []
    for fold in range(folds):
        training = [row for row in rows if fold_of.get(row.case) != fold]
        shares = {"train": 1 - validation, "val": validation} if validation > 0 else {"train": 1.0}
        inner = distribute(Cases(training), shares, _RANK, seed)
        parts = ["test" if fold_of.get(row.case) == fold else inner[row.case] for row in rows]
        splits.append(Split(tuple(parts), _absences(rows, parts)))
    return tuple(splits)


def inner_splits(rows: Sequence[Row], fold: Split, inner: int = 1, seed: int = 0) -> tuple[Split, ...]:
    """What is not tested in a fold, divided for choosing: each case of it validates in one of ``inner`` parts.

    With one part that is the fold as it is. Its test part stays as it is in all of them.
    """
    if inner == 1:
        return (fold,)
    outside = [row for row, part in zip(rows, fold.parts, strict=True) if part != "test"]
    splits = []
    for again in fold_cases(outside, inner, seed, validation=0):
        drawn = iter("val" if part == "test" else "train" for part in again.parts)
        parts = tuple("test" if part == "test" else next(drawn) for part in fold.parts)
        splits.append(Split(parts, _absences(rows, parts)))
    return tuple(splits)


def _draw_folds(rows: Sequence[Row], folds: int, seed: int) -> dict[str, int]:
    """The fold in which each case is tested, but for those that are the only one of a class."""
    cases = Cases(rows)
    lonely = {next(iter(names)) for names in cases.of_label.values() if len(names) == 1}
    if not 2 <= folds <= len(cases.names) - len(lonely):
        remedy = f"give a number from 2 to {len(cases.names) - len(lonely)}, the cases that can be tested"
        raise BadInput(f"{folds} folds do not fit {len(cases.names)} cases", remedy)
    tested = Cases(row for row in rows if row.case not in lonely)
    keys = [str(fold) for fold in range(folds)]
    drawn = distribute(tested, dict.fromkeys(keys, 1 / folds), dict.fromkeys(keys, 0), seed)
    return {case: int(key) for case, key in drawn.items()}


def cut_cases(rows: Iterable[Row]) -> tuple[Problem, ...]:
    """A problem for each case that has images in two parts of the given split, at the first image that shows it."""
    first: dict[str, Row] = {}
    problems: dict[str, Problem] = {}
    for row in rows:
        earlier = first.setdefault(row.case, row)
        if row.split and earlier.split != row.split and row.case not in problems:
            message = f"case {row.case!r} is in {row.split}, but in {earlier.split or 'no part'} at {earlier.place}"
            problems[row.case] = Problem(message, "give all images of a case the same split", row.place)
    return tuple(problems.values())


def confounding(rows: Sequence[Row]) -> tuple[str, ...]:
    """A note where class and case are confounded: few cases hold most images of a class, and little else.

    Whoever knows the case of an image of such a class then knows its class too, and so may a model that has learned
    what tells cases apart (stain, scanner) and nothing else. It takes both: with p_c the share of case c in the images
    of a class, 1 / Σ p_c² < 4 cases in effect; and at least a third of the variance of "is of this class" explained by
    the case (adjusted R²). Many cases of one class each, as diagnoses are, pass; so do few cases that all hold every
    class. Images without a case do not count.

    >>> rows = [Row(Path(f"{n}"), "ab"[n % 2], case_id=f"p{n % 2}") for n in range(20)]
    >>> confounding(rows)[0].split(":")[0]
    "class and case are confounded (10 of 10 images of 'a' are of case 'p0', 10 of 10 images of 'b' are of case 'p1')"
    """
    known = [row for row in rows if row.case_id]
    if len(known) < _TELLING:
        return ()
    cases = Cases(known)
    found = []
    for label, names in sorted(cases.of_label.items()):
        held = {name: cases.labels[name][label] for name in sorted(names)}
        total, most = sum(held.values()), max(held, key=lambda name: held[name])
        in_effect = total**2 / sum(count**2 for count in held.values())
        if in_effect < _FEW_CASES and _explained(held, cases, len(known)) >= _ASSOCIATED:
            found.append(f"{held[most]} of {total} images of {label!r} are of case {most!r}")
    if not found:
        return ()
    consequence = "a model may tell cases apart instead of classes, and its figures say little about new cases"
    return (f"class and case are confounded ({', '.join(found)}): {consequence}",)


def _explained(held: Mapping[str, int], cases: Cases, images: int) -> float:
    """Adjusted share of a class's variance that the case explains; 0 where a case is as good as an image."""
    total, free = sum(held.values()), images - len(cases.names)
    if total == images or free == 0:
        return 0.0
    purity = sum(count**2 / cases.size(name) for name, count in held.items()) / total
    base = total / images
    return 1 - (1 - purity) / (1 - base) * (images - 1) / free


def write_splits(path: Path | str, rows: Iterable[Row]) -> None:
    """Write ``path,label,case_id,split``, one line per image."""
    write_csv(
        path, ("path", "label", "case_id", "split"), ((row.name, row.label, row.case_id, row.split) for row in rows)
    )


def load_splits(path: Path | str) -> dict[str, str]:
    """Load what ``write_splits`` wrote: the part of each image, by its name."""
    table = load_table(path)
    if not {"path", "split"} <= set(table.columns):
        raise BadInput("lacks the columns path and split", "give the splits.csv of a run", str(path))
    return {row.cells["path"]: part_of(row.cells["split"], table.place(row.line)) for row in table.rows}


def _require_classes(rows: Sequence[Row]) -> None:
    labels = {row.label for row in rows}
    if len(labels) < 2:
        found = f"only the class {next(iter(labels))!r}" if labels else "no images"
        raise BadInput(f"the data holds {found}", "training needs images of two classes or more")


def _require_trained(rows: Sequence[Row], parts: Sequence[str]) -> None:
    trained = {row.label for row, part in zip(rows, parts, strict=True) if part == "train"}
    for row in rows:
        if row.label not in trained:
            message = f"the class {row.label!r} has no image in the training part"
            raise BadInput(message, "move some of its cases to train, or leave the class out", row.place)


def _absences(rows: Sequence[Row], parts: Sequence[str]) -> tuple[str, ...]:
    """One note for each class that a part of the split is without."""
    held: dict[str, set[str]] = defaultdict(set)
    cases: dict[str, set[str]] = defaultdict(set)
    for row, part in zip(rows, parts, strict=True):
        held[part].add(row.label)
        cases[row.label].add(row.case)
    used = [part for part in PARTS if part in held]
    notes = []
    for label in sorted(cases):
        lacking = " and ".join(part for part in used if label not in held[part])
        if lacking:
            count = len(cases[label])
            notes.append(f"class {label!r} has {count} case{'s'[: count != 1]}: none of them in {lacking}")
    return tuple(notes)

"""Which images of a data set a model may be judged by: those it has not been trained on.

A run knows the part of each image by its name, and of each case (``known_parts``). Nothing that it was trained or
validated on is taken for a test, nor anything else of the same cases, whatever the data's own split says.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest, Row
from saccade.features.slide_input import SlideInput
from saccade.inference.known_parts import KnownParts
from saccade.inference.runs import Run

DEFAULT_PART = "test"


@dataclass(frozen=True, eq=False)
class Chosen:
    """The images to evaluate.

    Attributes:
        manifest: Their rows.
        part: Which part of a split they are; empty where the data knows none.
        notes: What the user should know about what was left out.
    """

    manifest: Manifest
    part: str
    notes: tuple[str, ...] = ()


def choose_of_run(run: Run, manifest: Manifest, part: str = "") -> Chosen:
    """``choose_images`` by what a run folder knows: its split, its cases and the data it was trained on.

    Raises:
        BadInput: As ``choose_images`` does.
    """
    slides = isinstance(run.package.preprocessing, SlideInput)
    return choose_images(manifest, run.splits, run.trained_on, part, cases=run.cases, slides=slides)


def choose_images(
    manifest: Manifest,
    splits: Mapping[str, str],
    trained_on: Path | None = None,
    part: str = "",
    *,
    cases: Mapping[str, str] | None = None,
    slides: bool = False,
) -> Chosen:
    """Choose the part to evaluate: by the run's own split, else by the data's, else everything.

    Where images of the run's training are all that it knows, those that it does not know are tested.

    Args:
        manifest: The data.
        splits: The run's part of each image, by name.
        trained_on: The run's data, to tell its images from others of the same name.
        part: ``train``, ``val`` or ``test``; the test part where not given.
        cases: The run's part of each case.
        slides: Whether the images are slides, which go by several names.

    Raises:
        BadInput: The data has no split though a part was asked for, or no image of the part, or none for a test that
            the model was not trained on.
    """
    known = KnownParts(splits, cases, slides, trained_on)
    _refuse_lost_split(known, manifest)
    named = [known.part(row) for row in manifest.rows]
    given = [row.split for row in manifest.rows]
    wanted = part or DEFAULT_PART
    sieve = _Sieve(manifest, named, [wanted == DEFAULT_PART and known.learned(row) for row in manifest.rows], known)
    if any(named) and (wanted != DEFAULT_PART or wanted in named or not sieve.new):
        return sieve.of_part(named, wanted, "the run's split")
    if any(given):
        return sieve.of_part(given, wanted, "the data's own split")
    if part:
        message = f"has no split, and none of its {sieve.noun} are in the run's {part} part"
        raise BadInput(message, "leave out --split to evaluate all of it", str(manifest.source))
    return sieve.of_part([wanted] * len(manifest), wanted, "the data", name="")


def _refuse_lost_split(known: KnownParts, manifest: Manifest) -> None:
    """Refuse the very data of the training where nothing tells what was trained on."""
    if not known.splits and known.is_source(manifest):
        message = "is what the run was trained on, and its splits.csv, which tells the parts, is missing"
        remedy = "restore splits.csv in the run's folder, or evaluate other images"
        raise BadInput(message, remedy, str(manifest.source))


@dataclass(frozen=True, eq=False)
class _Sieve:
    """A data set of which some images may not be tested.

    Attributes:
        manifest: The data.
        named: The run's part of each image.
        barred: Whether each was learned from, or another of its case.
        known: What the run knows.
    """

    manifest: Manifest
    named: Sequence[str]
    barred: Sequence[bool]
    known: KnownParts

    @property
    def noun(self) -> str:
        """What the images are called."""
        return "slides" if self.known.slides else "images"

    @property
    def new(self) -> bool:
        """Whether there are images of which the run knows nothing."""
        return any(not (own or bar) for own, bar in zip(self.named, self.barred, strict=True))

    def of_part(self, parts: Sequence[str], part: str, whose: str, name: str | None = None) -> Chosen:
        """The images of a part that are not barred, with notes on the others; ``name`` is how the part is told."""
        both = list(zip(self.manifest.rows, parts, self.barred, strict=True))
        rows = [row for row, own, bar in both if own == part and not bar]
        name = part if name is None else name
        if not rows:
            raise self._nothing(parts, part, whose, name)
        strangers = sum(not own and not bar for _, own, bar in both)
        notes = [f"{self._counted(strangers)} not in {whose} and left out"] if strangers else []
        if barred := sum(map(self._is_told, self.manifest.rows, self.named, self.barred)):
            notes.append(f"{self._counted(barred)} left out: trained or validated on, or of cases that were")
        if name:
            rows = [replace(row, split=name) for row in rows]
        return Chosen(replace(self.manifest, rows=tuple(rows)), name, tuple(notes))

    def _is_told(self, row: Row, named: str, barred: bool) -> bool:
        """Whether an image that is left out was to be expected in the test: not the training part of the very data."""
        of_training = self.known.is_source(self.manifest) and named and not row.split
        return barred and row.split in ("", DEFAULT_PART) and not of_training

    def _counted(self, count: int) -> str:
        return f"1 {self.noun[:-1]} is" if count == 1 else f"{count} {self.noun} are"

    def _nothing(self, parts: Sequence[str], part: str, whose: str, name: str) -> BadInput:
        """Why no image of the part can be evaluated."""
        source, single = str(self.manifest.source), self.noun[:-1]
        if part in parts:
            of_part = f" of the part {name!r}" if name else ""
            message = f"every {single}{of_part} was trained or validated on, or is of a case that was"
            remedy = f"evaluate {self.noun} of other cases; if only the names are the same, give these others"
            return BadInput(message, remedy, source)
        listed = ", ".join(f"{name} {count}" for name, count in sorted(Counter(filter(None, parts)).items()))
        only = f"only {self.noun} the model was not trained on tell how good it is"
        return BadInput(
            f"holds no {single} of the part {part!r}", f"{whose} has {listed}: name one with --split; {only}", source
        )

"""``saccade explain`` for runs of slides: maps, patches, tables and faithfulness, slide by slide."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from saccade.cli.console import progress, say, show_table, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES
from saccade.cli.predict_into import JOB, given_slides, tell_simulated
from saccade.core.errors import BadInput, SaccadeError

if TYPE_CHECKING:
    from saccade.explanation import SlideExplanation
    from saccade.explanation.slide_regions import RegionFiles, SlideRegion
    from saccade.imaging.tissue.outlines import Outline
    from saccade.inference.raw_slides import GivenSlide, SlideEmbedding
    from saccade.inference.slide_predictor import SlidePredictor

_COLUMNS = ("slide", "predicted", "probability", "half of the weight in", "deletion", "random order")
_REGION_COLUMNS = ("weight in region", "heaviest in region", "by chance")


def explain_slides(
    predictor: "SlidePredictor",
    inputs: Sequence[Path],
    out: Path,
    how: "SlideEmbedding",
    regions: "RegionFiles | None" = None,
) -> None:
    """Explain slides into a folder; for each ``explain_slide`` says which files.

    Args:
        predictor: The run's model.
        inputs: Files of features, folders of them, slides, folders of slides or manifests.
        out: The folder; whole slides are embedded into ``embedded/`` in it.
        how: How whole slides become bags, as far as the run does not tell.
        regions: Where the truth lies in some of the slides.

    Raises:
        BadInput: Not a single slide can be explained.
    """
    from saccade.cli.explain import distinct_names

    if out.exists() and not out.is_dir():
        raise BadInput("is a file, not a folder", "choose another --out", str(out))
    given = list(given_slides(predictor, inputs, out / JOB, how))
    bags = _embedded(given)
    names = distinct_names([one.bag for one in bags if one.bag is not None])
    lines: list[tuple[str, ...]] = []
    unseen: list[str] = []
    outlined = OutlinedSlides(regions)
    with progress("explaining") as tell:
        for done, one in enumerate(bags, start=1):
            assert one.bag is not None
            try:
                found = explain_given(predictor, one, out, names[one.bag], how, outlined)
                lines.append((one.name, *explained_line(found)))
                if "patches" not in found.files:
                    unseen.append(names[one.bag])
            except SaccadeError as error:
                warn(f"skipped: {error}")
            tell(done, len(bags))
    if not lines:
        raise BadInput(f"none of the {len(given)} slides could be explained", "the lines above say why")
    columns = (*_COLUMNS, *(_REGION_COLUMNS if any(len(line) > len(_COLUMNS) for line in lines) else ()))
    show_table(columns, [(*line, *[""] * (len(columns) - len(line))) for line in lines], right=columns[2:])
    if unseen:
        warn(bare_note(unseen))
    outlined.show()
    tell_simulated(given)
    say(f"{len(lines)} of {len(given)} slides explained: {out}")
    if len(lines) < len(given):
        raise typer.Exit(FINISHED_WITH_FAILURES)


def _embedded(given: "Sequence[GivenSlide]") -> "list[GivenSlide]":
    """The slides that have a bag; the others get their line."""
    for one in given:
        if one.bag is None:
            warn(f"skipped: {one.error}")
    return [one for one in given if one.bag is not None]


def bare_note(names: Sequence[str]) -> str:
    """That some slides themselves are not at hand, in one line.

    >>> bare_note(["a", "b"])
    'note: the slides of 2 bags, a first, are not at hand: maps are on bare ground, and there is no SLIDE_patches.png'
    """
    whose = (
        f"the slide of {names[0]} is" if len(names) == 1 else f"the slides of {len(names)} bags, {names[0]} first, are"
    )
    return f"note: {whose} not at hand: maps are on bare ground, and there is no SLIDE_patches.png"


def explain_given(
    predictor: "SlidePredictor",
    one: "GivenSlide",
    out: Path,
    name: str,
    how: "SlideEmbedding",
    outlined: "OutlinedSlides",
) -> "SlideExplanation":
    """Explain one slide; its pictures are drawn over the slide itself where that is at hand."""
    from saccade.explanation import explain_slide
    from saccade.features.qupath import qupath_offset
    from saccade.features.store import open_bag

    assert one.bag is not None
    stored = open_bag(one.bag, how.source_mpp)
    with _opened(one, stored.provenance.get("source"), how.source_mpp) as slide:
        loaded = predictor.load(stored, str(one.bag))
        region = outlined.region_of(one.bag.stem, qupath_offset(slide, stored))
        return explain_slide(predictor.model, loaded, out, name, slide=slide, stored=stored, region=region)


def _opened(one: "GivenSlide", source: object, source_mpp: float | None) -> AbstractContextManager[Any]:
    """The slide of a bag: the one handed in, or the file that the bag says it was made from, if it is still there."""
    from contextlib import closing

    from saccade.imaging.slides.finding import FoundSlide

    found = one.slide
    if found is None and isinstance(source, str) and source and Path(source).exists():
        found = FoundSlide(Path(source), Path(source).name)
    if found is None:
        return nullcontext()
    try:
        return closing(found.open(source_mpp))
    except SaccadeError as error:
        warn(f"note: {error}; maps are drawn without the slide")
        return nullcontext()


class OutlinedSlides:
    """Where the truth lies in slides, as they come, and what there was to find.

    Args:
        files: Outlines of some of the slides; ``None`` where nobody has any.
    """

    def __init__(self, files: "RegionFiles | None") -> None:
        self._files = files
        self._asked: list[str] = []
        self._found: dict[str, SlideRegion] = {}

    def region_of(self, slide: str, offset: tuple[int, int]) -> "Callable[[str], Sequence[Outline]] | None":
        """What tells the outlines of a slide by the class that is explained; ``None`` where it has no file."""
        files = self._files
        self._asked.append(slide)
        if files is None or files.file_of(slide) is None:
            return None

        def told(target: str) -> "Sequence[Outline]":
            found = files.region(slide, target, offset)
            if found is None:  # removed meanwhile
                return ()
            self._found[slide] = found
            return found.outlines

        return told

    def show(self) -> None:
        """Say which outlines were taken, and which slides have none."""
        if self._files is None:
            return
        for slide, found in self._found.items():
            if not found.outlines:
                remedy = "; --region-class names another class" if found.held else ""
                warn(f"note: {slide}: --regions has {found.told}, so there is no share of the weight in it{remedy}")
        taken = Counter(found.told for found in self._found.values() if found.outlines)
        if taken:
            say(
                "regions: "
                + "; ".join(f"{told} ({count} of {len(self._asked)} slides)" for told, count in taken.items())
            )
        if not self._found and self._asked:
            warn(f"note: --regions {self._files.path} has no file of these slides, such as {self._asked[0]}.geojson")


def explained_line(found: "SlideExplanation") -> tuple[str, ...]:
    """What the table says of a slide."""
    probability = float(found.prediction.probabilities[0].max())
    areas = ["", ""]
    if found.faithfulness is not None:
        curves = found.faithfulness.curves
        chosen = (next(iter(curves.values())), next(c for name, c in curves.items() if "random" in name))
        areas = [f"{float(curve.deletion_area[0]):.3f}" for curve in chosen]
    half = f"{found.sites.half} of {len(found.sites)} patches"
    line = (found.target, f"{probability:.1%}", half, *areas)
    if found.pointing is None:
        return line
    pointing = found.pointing
    return (*line, f"{pointing.weight:.1%}", f"{pointing.heaviest:.0%}", f"{pointing.area:.1%}")

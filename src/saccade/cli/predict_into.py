"""What ``saccade predict`` does with slides whatever is asked of them: bags or whole slides in, a folder out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from saccade.cli.console import say, show_table, warn
from saccade.cli.explain import distinct_names
from saccade.cli.predict import FINISHED_WITH_FAILURES, Summary, warn_of
from saccade.cli.written_files import WrittenFiles
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.inference.bag_predictor import BagPredictor
    from saccade.inference.raw_slides import GivenSlide, SlideEmbedding, Watch

TABLE, MAPS, PATCHES, JOB = "predictions.csv", "geojson", "patches", "embedded"
_NAMED = 3  # files left alone that are named
_SHOWN = 10  # slides up to which each has a line of its own on the screen


class FewLines:
    """A line for each of a few slides; of more, nothing.

    Args:
        columns: The slide, and numbers.
        line: The cells of a result.
    """

    def __init__(self, columns: Sequence[str], line: Callable[[Any], Sequence[str]]) -> None:
        self._columns, self._line = columns, line
        self._lines: list[Sequence[str]] = []

    def add(self, result: Any) -> None:
        """Take note of a result."""
        if len(self._lines) <= _SHOWN:
            self._lines.append(self._line(result))

    def show(self) -> None:
        """Print the lines, if they are few."""
        if len(self._lines) <= _SHOWN:
            show_table(self._columns, self._lines, right=self._columns[1:])


def predict_into(
    predictor: "BagPredictor[Any, Any]",
    inputs: Sequence[Path],
    out: Path,
    how: "SlideEmbedding",
    *,
    table: Callable[[Path, Sequence[str]], AbstractContextManager[Any]],
    maps: Callable[[Any, Path, Path, str], Iterable[Path]],
    shown: Summary | FewLines,
    told: str,
) -> None:
    """Predict slides into a folder: a table, maps, and ``embedded/``, a job, of slides that had to be embedded.

    Maps that an earlier prediction left of other slides are removed.

    Args:
        predictor: The run's model.
        inputs: Files of features, folders of them, slides, folders of slides or manifests.
        out: The folder.
        how: How whole slides become bags, as far as the run does not tell.
        table: Opens a table for the model's classes, to which results are added.
        maps: Writes what is drawn of a result; given its bag, the folder and a name for files, it returns which.
        shown: What is shown on the screen at last.
        told: What was done and where it is, after "3 of 4".

    Raises:
        BadInput: Not a single slide can be predicted; nothing but the job is left then.
    """
    refuse_file(out)
    given = list(given_slides(predictor, inputs, out / JOB, how))
    names = distinct_names([one.bag for one in given if one.bag is not None])
    written, failed = WrittenFiles(out), 0
    with table(out / TABLE, predictor.classes) as rows:
        for one, result in _predicted(predictor, given, how.source_mpp):
            rows.add(result)
            warn_of(result)
            if one.bag is None or result.error:
                failed += 1
                continue
            shown.add(result)
            for path in maps(result, one.bag, out, names[one.bag]):
                written.add(path)
        if failed == len(given):
            raise BadInput(f"none of the {len(given)} slides could be predicted", "the lines above say why")
    shown.show()
    clear_away(written)
    tell_simulated(given)
    say(f"{len(given) - failed} of {len(given)} {told}")
    if failed:
        raise typer.Exit(FINISHED_WITH_FAILURES)


def tell_simulated(given: "Sequence[GivenSlide]") -> None:
    """Say how many slides a program made, if any: what is said of them is of no patient."""
    from saccade.datasets.bags import simulated_bags

    bags = [one.bag for one in given if one.bag is not None]
    count = simulated_bags(bags)
    if count:
        whole = "all slides were" if count == len(bags) else f"{count} of {len(bags)} slides were"
        say(f"SIMULATED: {whole} made by a program, none of their tissue is real")


def refuse_file(out: Path) -> None:
    """Refuse to write a folder where there is a file.

    Raises:
        BadInput: Naming it.
    """
    if out.exists() and not out.is_dir():
        raise BadInput("is a file, and predictions of slides are a folder", "choose another --out", str(out))


def clear_away(written: WrittenFiles) -> None:
    """Remove maps that an earlier run of the command left of slides that have none now; anybody else's files stay."""
    if removed := written.finish():
        files = "1 file" if len(removed) == 1 else f"{len(removed)} files"
        say(f"removed {files} of an earlier prediction, of slides that are not predicted now")
    if others := written.others(MAPS, PATCHES):
        names = ", ".join(str(path.relative_to(written.folder)) for path in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        warn(f"note: not of this prediction, and left alone: {names}{more}")


def _predicted(
    predictor: "BagPredictor[Any, Any]", given: "Sequence[GivenSlide]", source_mpp: float | None
) -> "Iterator[tuple[GivenSlide, Any]]":
    """Each slide with its result under the slide's own name, as they come.

    Args:
        predictor: Any of slides.
        given: The slides.
        source_mpp: Micrometres per base pixel of bags whose files do not state it.
    """
    from saccade.inference.bag_loading import bag_item

    results = predictor.stream([bag_item(one.bag, source_mpp) for one in given if one.bag is not None])
    for one in given:
        bare = one.bag is None
        yield one, predictor.failed(one.name, one.error) if bare else _renamed(next(results), one.name)


def _renamed(result: Any, name: str) -> Any:
    """A result, and what it has to say, under the name that the user knows the slide by: of its bag they may not."""

    def retold(line: str) -> str:
        places = (f"{place}: " for place in (result.name, " ".join(result.name.split())))
        return next((f"{name}: {line.removeprefix(place)}" for place in places if line.startswith(place)), line)

    return replace(result, name=name, error=retold(result.error), note=retold(result.note))


def given_slides(
    predictor: "BagPredictor[Any, Any]", inputs: Sequence[Path], job: Path, how: "SlideEmbedding"
) -> Iterator["GivenSlide"]:
    """What there is to predict; whole slides are embedded first, into a job."""
    from saccade.inference.raw_slides import embed_for, given_bags

    slides: list[Path] = []
    for path in inputs:
        bags = given_bags(path)
        if bags is None:
            slides.append(path)
        else:
            yield from bags
    if slides:
        yield from embed_for(predictor.preprocessing, slides, job, how, _announcing(job))


def _announcing(job: Path) -> "Watch":
    """Say where slides are embedded as soon as the first one is: not of those that cannot be, or have been."""
    said = False

    def begin(item: object) -> Callable[[int, int], None]:
        nonlocal said
        if not said:
            say(f"embedding slides into {job}")
        said = True
        return lambda done, total: None

    return begin

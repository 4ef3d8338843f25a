"""The folder of a job: which slide's files lie where, and which slides are still to be done.

    job/  manifest.csv  job.yaml  summary.md
          state/<slide>__<hash>.json
          tissue/preview/<slide>.jpg   tissue/geojson/<slide>.geojson
          20x_224px_0px_overlap/patches/<slide>_patches.h5   20x_224px_0px_overlap/features_<encoder>/<slide>.h5

``<slide>`` is the file's stem; where two slides share one, both carry a hash of their path as well. The hash of a state
is of path and features folder, so that one job can hold several resolutions and encoders side by side.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from saccade.core.errors import BadInput, Problem
from saccade.features.embedding.settings import EmbedSettings
from saccade.features.embedding.state import SlideState, load_state
from saccade.imaging.slides.finding import FoundSlide


@dataclass(frozen=True)
class Item:
    """A slide of a job.

    Attributes:
        slide: The file, and what a table says of it.
        stem: What its files in the job are called.
        fingerprint: Of all that decides its bag.
    """

    slide: FoundSlide
    stem: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class Job:
    """A folder to embed slides into.

    Attributes:
        folder: The job's folder.
        settings: How slides become bags.
        slides: All slides, in the order they are done.
        refused: Rows of the manifest that cannot be used.
    """

    folder: Path
    settings: EmbedSettings
    slides: tuple[FoundSlide, ...]
    refused: tuple[Problem, ...] = ()

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """Each slide with the name of its files."""
        stems = Counter(_stem(slide).lower() for slide in self.slides)  # some disks do not tell case apart
        settings = self.settings.hash()
        return tuple(
            Item(slide, _stem(slide) if stems[_stem(slide).lower()] == 1 else f"{_stem(slide)}__{_digest(slide.name)}",
                 _fingerprint(slide, settings))
            for slide in self.slides
        )  # fmt: skip

    def share(self, number: int, count: int) -> tuple[Item, ...]:
        """Share ``number`` of ``count``, counted from 1: every count-th slide, so that large ones spread.

        Raises:
            BadInput: There is no such share.
        """
        if not 1 <= number <= count:
            raise BadInput(f"there is no shard {number} of {count}", "give --shard i/n with i from 1 to n")
        return self.items[number - 1 :: count]

    @property
    def _features(self) -> Path:
        return self.folder / self.settings.folder / self.settings.features

    def bag(self, item: Item) -> Path:
        """The features of a slide."""
        return self._features / f"{item.stem}.h5"

    def patches(self, item: Item) -> Path:
        """The coordinates of a slide."""
        return self.folder / self.settings.folder / "patches" / f"{item.stem}_patches.h5"

    def preview(self, item: Item) -> Path:
        """The picture of tissue and patches."""
        return self.folder / "tissue" / "preview" / f"{item.stem}.jpg"

    def polygons(self, item: Item) -> Path:
        """The outline of the tissue."""
        return self.folder / "tissue" / "geojson" / f"{item.stem}.geojson"

    def outputs(self, item: Item) -> dict[str, str]:
        """All files of a slide by what they are, relative to the job."""
        places = {
            "bag": self.bag(item),
            "patches": self.patches(item),
            "preview": self.preview(item),
            "polygons": self.polygons(item),
        }
        return {name: path.relative_to(self.folder).as_posix() for name, path in places.items()}

    def state(self, item: Item) -> Path:
        """What became of a slide."""
        key = _digest(f"{item.slide.name}\n{self.settings.folder}/{self.settings.features}")
        return self.folder / "state" / f"{_stem(item.slide)}__{key}.json"


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run has before it.

    Attributes:
        todo: Slides to embed.
        done: States of those that have their bag.
        changed: How many of ``todo`` had a bag, but of other settings or another file.
    """

    todo: tuple[Item, ...]
    done: tuple[SlideState, ...]
    changed: int


def plan(job: Job, items: Sequence[Item]) -> Plan:
    """Which of some slides still need a bag: it has to be the one their state names, of these settings and this file.

    A slide that has its bag and has been moved away since, to an archive, is done.

    Cost: one small file and one look at a folder's entry per slide: ten thousand take a second or two.
    """
    bags, todo, done, changed = _names(job.bag(item).parent for item in items[:1]), [], [], 0
    settings = job.settings.hash()
    for item in items:
        state = load_state(job.state(item))
        if state is not None and state.finished:
            named = job.bag(item).name in bags and state.outputs.get("bag") == job.outputs(item)["bag"]
            same = state.fingerprint == item.fingerprint or (state.settings == settings and not item.slide.is_there)
            if named and same:
                done.append(state)
                continue
            changed += not same
        todo.append(item)
    return Plan(tuple(todo), tuple(done), changed)


def _names(folders: Iterable[Path]) -> set[str]:
    """Names of the files in folders that may not exist."""
    return {entry.name for folder in folders if folder.is_dir() for entry in folder.iterdir()}


def _stem(slide: FoundSlide) -> str:
    """What a slide is called without folder and suffix; of a name with several points, the last part goes."""
    return Path(slide.name).name if slide.path.is_dir() else Path(slide.name).stem


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _fingerprint(slide: FoundSlide, settings: str) -> str:
    """Of the settings, of the files' sizes and times, and of what a table says: whatever else may decide a bag."""
    files = [*slide.files(), *([slide.tissue_path] if slide.tissue_path else [])]
    facts = [settings, str(slide.mpp), *(part for path in files for part in _times(path))]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _times(path: Path) -> tuple[str, ...]:
    try:
        status = path.stat()
    except OSError:
        return (str(path), "missing")
    return (str(status.st_size), str(status.st_mtime_ns))

"""Nested cross-validation: every case is tested once, by models that neither learned from it nor were chosen by it.

Cases are divided into folds (``core.splits.fold_cases``), the same for all models. In each fold every candidate of a
model is trained on the training part and scored on the validation part, the best one is written down, and only then is
the test part opened, once. The test parts of all folds together give the figures, with intervals over cases.

What popular tools get wrong is out of reach by construction: a training is handed data that lacks the test part, so
neither its epoch nor the candidate can be chosen by it.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from saccade.core.errors import BadInput
from saccade.core.files import write_json
from saccade.core.manifest import Row
from saccade.core.splits import Split, confounding, fold_cases, inner_splits
from saccade.datasets.slides import SlideData
from saccade.datasets.sources import origin_of
from saccade.evaluation.fold_predictions import FoldPredictions, PartPrediction, predict_part
from saccade.training.candidates import Criterion, best_of, mean_score, score
from saccade.training.cv_folder import CHOICE, TESTED, FoldPlan, check_settings, keep_folds, keep_settings, try_name
from saccade.training.cv_results import write_results
from saccade.training.data_module import AnyData
from saccade.training.recipe import Recipe
from saccade.training.train import open_parts, train

_log = logging.getLogger(__name__)


def cross_validate(
    recipes: Mapping[str, Sequence[Recipe]],
    out: Path | str,
    folds: int = 5,
    inner: int = 1,
    seed: int = 0,
    *,
    preserve_site: bool = False,
    choose_by: Criterion = "loss",
    tell: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    **hardware: Any,
) -> dict[str, Any]:
    """Cross-validate one model or several on the same folds; what is finished in ``out`` is not done again.

    ``out`` gets ``cv.yaml`` (what was asked for), ``folds.csv``, a run folder ``fold_<n>/<model>`` (with more than one
    candidate ``…/try_<n>``, with more than one validation part ``…/inner_<n>``), and in the end ``predictions.csv`` and
    ``metrics.json``. A training that was stopped goes on from its last finished epoch.

    Args:
        recipes: By name of the model, its candidates: recipes for the same data.
        out: The folder; new, empty, or of the same cross-validation.
        folds: How many parts are tested, one after the other.
        inner: Validation parts of each fold. With several, each candidate is trained once for each of them, and the
            chosen one's trainings predict together, by their mean probabilities.
        seed: Seed of the folds.
        preserve_site: Keep all images of a site (hospital) in the same fold.
        choose_by: Choose the candidate with the smallest validation ``loss``, as epochs are, or the largest ``auroc``.
        tell: Given a line for each training and test.
        progress: Told how many of how many images are loaded.
        hardware: ``devices``, ``precision`` and ``accelerator`` for ``train``.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        BadInput: Recipes of different data, a folder of something else or of other settings, or impossible folds.
        Interrupted: The user stopped it.
    """
    out, plan = Path(out), FoldPlan(folds, inner, seed, preserve_site, choose_by)
    _require_same_data(recipes)
    check_settings(out, plan, recipes)
    sources = _Sources(progress)
    rows = sources.open(next(iter(recipes.values()))[0]).rows
    splits = fold_cases(rows, folds, seed, preserve_site=preserve_site)
    keep_settings(out, plan, recipes)
    keep_folds(out, rows, splits)
    _tell_notes(rows, splits)
    work = _Work(out, plan, splits, sources, hardware, tell)
    for number in range(folds):
        for name, candidates in recipes.items():
            work.finish(number, name, candidates)
    return write_results(out, plan, recipes, origin=sources.origin)


@dataclass(frozen=True, eq=False)
class _Sources:
    """The data of each recipe, opened once for all that open it alike, with all its images and no parts of its own."""

    progress: Callable[[int, int], None]
    opened: dict[str, AnyData] = field(default_factory=dict)

    def open(self, recipe: Recipe) -> AnyData:
        """The data of a recipe.

        Raises:
            BadInput: It holds other images than that of the recipes before.
        """
        key = json.dumps(recipe.data.model_dump(mode="json", exclude={"augmentation"}), sort_keys=True)
        if key not in self.opened:
            data = open_parts(recipe.data, ("train", "val", "test"), self.progress)
            first = next(iter(self.opened.values()), data)
            if [(row.name, row.label) for row in data.rows] != [(row.name, row.label) for row in first.rows]:
                message = "opens other images than the first recipe"
                raise BadInput(message, "cross-validate models on the same images", recipe.data.path)
            self.opened[key] = data
        return self.opened[key]

    @property
    def origin(self) -> str:
        """Whether the images say that they are simulated, or proxies."""
        first = next(iter(self.opened.values()))
        return origin_of(first.manifest, first.bags.paths if isinstance(first, SlideData) else ())


@dataclass(frozen=True, eq=False)
class _Work:
    """What all folds and models share."""

    out: Path
    plan: FoldPlan
    splits: Sequence[Split]
    sources: _Sources
    hardware: Mapping[str, Any]
    tell: Callable[[str], None]

    def finish(self, number: int, name: str, candidates: Sequence[Recipe]) -> None:
        """Choose among the candidates of a model in one fold, then test the chosen one; each unless it is done."""
        folder = self.out / f"fold_{number}" / name
        if (folder / TESTED).is_file():
            self.tell(f"fold {number}, {name}: done before")
            return
        if not (folder / CHOICE).is_file():
            self._choose(number, name, candidates)
        chosen = json.loads((folder / CHOICE).read_text(encoding="utf-8"))["chosen"]
        data = self.sources.open(candidates[chosen])
        part = data.with_parts(self.splits[number].parts).part("test")
        self.tell(f"fold {number}, {name}: testing on {len(part)} {noun_of(part)}")
        found = mean_prediction([predict_part(run, part) for run in self._runs(number, name, candidates, chosen)])
        for error in filter(None, found.errors):
            _log.warning("skipped: %s", error)
        FoldPredictions.of(data.classes, number, part.rows, found).save(folder / TESTED)

    def _choose(self, number: int, name: str, candidates: Sequence[Recipe]) -> None:
        """Train every candidate, score it on the validation parts, and write down which is best."""
        scores = []
        for place, recipe in enumerate(candidates):
            data = self.sources.open(recipe)
            parts = inner_splits(data.rows, self.splits[number], self.plan.inner, self.plan.seed)
            runs = self._runs(number, name, candidates, place)
            found = [self._score(recipe, run, data, part) for run, part in zip(runs, parts, strict=True)]
            scores.append(mean_score(found))
        chosen = best_of(scores, self.plan.choose_by)
        choice = {"chosen": chosen, "chosen_by": self.plan.choose_by, "validation": scores}
        write_json(self.out / f"fold_{number}" / name / CHOICE, choice)

    def _score(self, recipe: Recipe, run: Path, data: AnyData, split: Split) -> dict[str, float | None]:
        """Train one run and score it on its validation part."""
        self.tell(f"training {run.relative_to(self.out)}")
        seen = without_test(data, split, fit=getattr(recipe.data, "mean", None) is None)
        train(recipe, run, resume=True, data=seen, **self.hardware)
        part = seen.part("val")
        return score(predict_part(run, part).probabilities, part.labels.numpy(), data.classes)

    def _runs(self, number: int, name: str, candidates: Sequence[Recipe], place: int) -> list[Path]:
        """The run folders of a candidate in one fold, one for each validation part."""
        folder = self.out / f"fold_{number}" / name / (try_name(place) if len(candidates) > 1 else "")
        return [folder / f"inner_{part}" for part in range(self.plan.inner)] if self.plan.inner > 1 else [folder]


def without_test(data: AnyData, split: Split, fit: bool = True) -> AnyData:
    """What a fold may be trained with: its training and validation part, normalised by the first, and nothing else.

    Args:
        data: All images.
        split: Their parts.
        fit: Whether to measure mean and standard deviation, on the training part.
    """
    whole = data.with_parts(split.parts)
    whole = whole.fitted() if fit else whole
    return whole.take([place for place, part in enumerate(split.parts) if part != "test"])


def mean_prediction(found: Sequence[PartPrediction]) -> PartPrediction:
    """The mean probabilities of several models for the same images; an image that one could not open has an error."""
    errors = tuple(next(filter(None, each), "") for each in zip(*(one.errors for one in found), strict=True))
    return PartPrediction(np.mean([one.probabilities for one in found], axis=0), errors)


def noun_of(data: AnyData) -> str:
    """What the images of some data are called, in the plural."""
    return "slides" if isinstance(data, SlideData) else "images"


def _require_same_data(recipes: Mapping[str, Sequence[Recipe]]) -> None:
    """Refuse to compare models on different data."""
    paths = sorted({recipe.data.path for candidates in recipes.values() for recipe in candidates})
    if len(paths) > 1:
        message = f"the recipes are of different data: {paths[0]} and {paths[1]}"
        raise BadInput(message, "cross-validate models on the same images")


def _tell_notes(rows: Sequence[Row], splits: Sequence[Split]) -> None:
    """Warn of what the user should know about the data and its folds; what holds in all of them is said once."""
    found = Counter(note for split in splits for note in split.notes)
    everywhere = [note for note, count in found.items() if count == len(splits)]
    for note in (*confounding(rows), *everywhere):
        _log.warning("%s", note)
    for number, split in enumerate(splits):
        for note in split.notes:
            if note not in everywhere:
                _log.warning("fold %d: %s", number, note)

"""The recipe: everything a training depends on, in a few strict words.

``Recipe.parse`` fills in every default, so that the ``recipe.yaml`` in a run folder says all of it, and refuses what it
does not know. Where a default depends on the model it is settled here: models without a budget have no ``budget``
section, the controls get a fixed budget, SparseAttnNet learns its own.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from saccade.core.errors import BadInput
from saccade.core.files import write_text
from saccade.core.registry import Scale, Task
from saccade.features.slide_input import SlideInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.models import MODELS, options_of
from saccade.training.recipe_sections import (
    Curriculum,
    DataRecipe,
    FieldDataRecipe,
    FieldTrainingRecipe,
    FixedBudget,
    LearnedBudget,
    ModelRecipe,
    Section,
    TrainingRecipe,
)
from saccade.training.recipe_text import dump_mapping, load_mapping, refusal, unknown_key, with_changes
from saccade.training.slide_sections import (
    SegmentationDataRecipe,
    SegmentationTrainingRecipe,
    SlideDataRecipe,
    SlideTrainingRecipe,
    SurvivalDataRecipe,
    SurvivalTrainingRecipe,
)

SETTLED: dict[Scale, dict[str, str]] = {
    "cell": {"channels": "data.channels", "size": "data.size", "budget": "budget.ceiling or budget.share"},
    "field": {"channels": "data.channels"},
    "slide": {"in_features": "data.features"},
}
"""Options of models that a training settles, and the keys of the recipe that decide them."""

STAGED = ("attention-sampling",)
"""Models that learn in stages, by the recipe's section curriculum."""


class Recipe(Section):
    """A whole recipe; make one with ``parse`` or ``load``, which settle the defaults that depend on the model.

    >>> recipe = Recipe.parse({"data": {"path": "cells"}, "model": {"name": "sparse-attn-net"}})
    >>> recipe.with_overrides(["training.epochs=30"]).training.epochs
    30
    """

    data: DataRecipe
    model: ModelRecipe
    training: TrainingRecipe = TrainingRecipe()
    budget: LearnedBudget | FixedBudget | None = None

    @classmethod
    def parse(cls, values: Mapping[str, Any], source: str = "the recipe") -> "Recipe":
        """Check plain values and fill in all defaults.

        Raises:
            BadInput: Naming the key and the nearest known one, or the value and what it may be.
        """
        values = {name: value for name, value in values.items() if not (name == "budget" and value is None)}
        model = values.get("model")
        if not isinstance(model, Mapping) or not isinstance(model.get("name"), str):
            raise BadInput("lacks model.name", f"name one of {', '.join(MODELS.names())}", source)
        kind = _budget_kind(model["name"], values.get("budget"), source)
        whole = _recipe_of(model["name"])
        known = _known_keys(whole, kind, model["name"])
        _check_options(model, known, source)
        in_micrometres = _factor_in_micrometres(model, source)
        _check_budget_keys(values.get("budget", {}), kind, source)
        try:
            budget = kind.model_validate_json(_json(values.get("budget", {}))).model_dump() if kind else None
        except ValidationError as error:
            raise refusal(_inside("budget", error), known, source) from error
        options = {**options_of(model["name"]), **model}
        left = {*settled_by_training(model["name"]), *(("factor",) if in_micrometres else ())}
        settled = {name: value for name, value in options.items() if name not in left}
        if scheduled := _curriculum(model["name"], values, source):
            values = {**values, **scheduled}
        try:
            # As JSON: strict about numbers and words, yet keys may make an object and a list a tuple.
            return whole.model_validate_json(_json({**values, "model": settled, "budget": budget}))
        except ValidationError as error:
            raise refusal(error, known, source) from error
        except BadInput as error:
            raise BadInput(error.message, error.remedy, source) from error

    @classmethod
    def load(cls, path: Path | str) -> "Recipe":
        """Load a recipe from YAML."""
        return cls.parse(load_mapping(path), str(path))

    @classmethod
    def kept(cls, values: Mapping[str, Any], source: str, remedy: str) -> "Recipe":
        """The recipe that a run or a cross-validation was started with.

        Raises:
            BadInput: This version does not know it, be it of another version or changed by hand; with this remedy.
        """
        try:
            return cls.parse(values, source)
        except BadInput as error:
            message = f"was changed by hand, or written by another version of saccade: {error.message}"
            raise BadInput(message, remedy, source) from error

    def with_overrides(self, changes: Iterable[str]) -> "Recipe":
        """The recipe with changes such as ``training.epochs=30``; defaults that follow the model follow the new one."""
        changes = tuple(changes)
        return self.parse(with_changes(self._chosen(), changes), f"--set {' '.join(changes)}") if changes else self

    def settled(self, preprocessing: Preprocessing | SlideInput) -> "Recipe":
        """The recipe with what the data turned out to have: channels, normalisation, micrometres per pixel.

        Raises:
            BadInput: ``model.factor_um`` cannot become a factor of this data.
        """
        if isinstance(preprocessing, SlideInput):
            return self
        found = {name: getattr(preprocessing, name) for name in ("channels", "mean", "std", "mpp")}
        model = self.model.with_factor(preprocessing.mpp)
        return self.model_copy(update={"data": self.data.model_copy(update=found), "model": model})

    def as_dict(self) -> dict[str, Any]:
        """Plain values, every default included; ``parse`` brings the recipe back."""
        plain = _plain(self.model_dump(mode="json"))
        if self.model.factor_um is None:
            del plain["model"]["factor_um"]
        return {name: value for name, value in plain.items() if value is not None or name != "budget"}

    def save(self, path: Path | str) -> None:
        """Write as YAML, whole or not at all."""
        write_text(path, dump_mapping(self.as_dict()))

    def differences(self, other: "Recipe") -> list[str]:
        """The dotted keys in which two recipes differ."""
        mine, theirs = dotted(self.as_dict()), dotted(other.as_dict())
        return sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))

    def unsaid(self, values: Mapping[str, Any]) -> list[str]:
        """The dotted keys that plain values leave to defaults: none, where this version saved them."""
        return sorted(dotted(self.as_dict()).keys() - dotted(values).keys())

    def _chosen(self) -> dict[str, Any]:
        """Only what differs from the defaults, so that these may follow a change."""
        chosen = self.model_dump(mode="json", exclude_defaults=True, exclude={"model", "budget"})
        defaults = _plain(options_of(self.model.name))
        options = {name: value for name, value in self.model.options.items() if value != defaults[name]}
        if self.model.factor_um is not None:
            options["factor_um"] = self.model.factor_um
        chosen["model"] = {"name": self.model.name, **options}
        if self.model.name not in STAGED:
            chosen.pop("curriculum", None)
        if self.budget is not None:
            learn = {} if self.budget.learn == _learns(self.model.name) else {"learn": self.budget.learn}
            chosen["budget"] = {**learn, **self.budget.model_dump(exclude_defaults=True)}
        return {name: values for name, values in chosen.items() if values or name == "curriculum"}


class FieldRecipe(Recipe):
    """A recipe for fields; ``Recipe.parse`` makes one where the model is of that scale.

    >>> Recipe.parse({"data": {"path": "fields"}, "model": {"name": "attention-sampling"}}).training.batch_size
    8
    """

    data: FieldDataRecipe  # pyright: ignore[reportIncompatibleVariableOverride] - frozen: nobody assigns to it
    training: FieldTrainingRecipe = FieldTrainingRecipe()  # pyright: ignore[reportIncompatibleVariableOverride]
    curriculum: Curriculum | None = Curriculum()


class SlideRecipe(Recipe):
    """A recipe for embedded slides; ``Recipe.parse`` makes one where the model is of that scale.

    >>> values = {"data": {"path": "labels.csv", "features": "job"}, "model": {"name": "span"}}
    >>> Recipe.parse(values).training.learning_rate
    0.0001
    """

    data: SlideDataRecipe  # pyright: ignore[reportIncompatibleVariableOverride]
    training: SlideTrainingRecipe = SlideTrainingRecipe()  # pyright: ignore[reportIncompatibleVariableOverride]


class SurvivalRecipe(SlideRecipe):
    """A recipe for slides that are asked when; ``Recipe.parse`` makes one where that is the model's task.

    >>> values = {"data": {"path": "times.csv", "features": "job"}, "model": {"name": "span-survival"}}
    >>> Recipe.parse(values).as_dict()["data"]["bins"]
    4
    """

    data: SurvivalDataRecipe  # pyright: ignore[reportIncompatibleVariableOverride]
    training: SurvivalTrainingRecipe = SurvivalTrainingRecipe()  # pyright: ignore[reportIncompatibleVariableOverride]


class SegmentationRecipe(SlideRecipe):
    """A recipe for slides of which every patch is asked for its class; made as the last.

    >>> values = {"data": {"path": "a.csv", "features": "job", "patch_classes": ["normal", "tumour"]}}
    >>> Recipe.parse({**values, "model": {"name": "span-unet"}}).training.class_weights
    'inverse'
    """

    data: SegmentationDataRecipe  # pyright: ignore[reportIncompatibleVariableOverride]
    training: SegmentationTrainingRecipe = SegmentationTrainingRecipe()  # pyright: ignore[reportIncompatibleVariableOverride]


_RECIPES: dict[Scale | Task, type[Recipe]] = {
    "cell": Recipe,
    "field": FieldRecipe,
    "slide": SlideRecipe,
    "survival": SurvivalRecipe,
    "segmentation": SegmentationRecipe,
}


def _recipe_of(name: str) -> type[Recipe]:
    """The recipe of a model's scale; of another task than classification, that task's own."""
    entry = MODELS[name]
    return _RECIPES[entry.scale if entry.task == "classification" else entry.task]


def _budget_kind(name: str, values: Any, source: str) -> type[LearnedBudget | FixedBudget] | None:
    """Which budget section the model has, if any."""
    if "budget" not in settled_by_training(name) or "budget" not in options_of(name):
        if values is not None:
            remedy = "set model.budget" if "budget" in options_of(name) else "remove the section budget"
            raise BadInput(f"{name} has no budget to set", remedy, source)
        return None
    if values is not None and not isinstance(values, Mapping):
        raise BadInput(f"budget = {values!r} is refused", "write keys below it, such as learn: true", source)
    learn = (values or {}).get("learn", _learns(name))
    if not isinstance(learn, bool):
        raise BadInput(f"budget.learn = {learn!r} is refused", "write true or false", source)
    return LearnedBudget if learn else FixedBudget


def _learns(name: str) -> bool:
    """Whether a model learns its budget unless told otherwise."""
    return MODELS[name].role == "method"


def settled_by_training(name: str) -> dict[str, str]:
    """Options of a model that a training settles, and the keys of the recipe that decide them."""
    return SETTLED[MODELS[name].scale]


def _curriculum(name: str, values: Mapping[str, Any], source: str) -> dict[str, None]:
    """What to add for a model of fields that has no stages."""
    if MODELS[name].scale != "field" or name in STAGED:
        return {}
    if values.get("curriculum") is not None:
        raise BadInput(f"{name} has no stages to learn in", "remove the section curriculum", source)
    return {"curriculum": None}


def _check_options(model: Mapping[str, Any], known: Mapping[str, Iterable[str]], source: str) -> None:
    for key in model:
        if key in (settled := settled_by_training(model["name"])):
            raise BadInput(f"model.{key} is settled by the training", f"set {settled[key]} instead", source)
        if key not in known["model"]:
            raise unknown_key(str(key), "model", known, source)


def _factor_in_micrometres(model: Mapping[str, Any], source: str) -> bool:
    """Whether the side of a cell is given in micrometres and not in pixels."""
    if model.get("factor_um") is None:
        return False
    if model.get("factor") is not None:
        raise BadInput("model.factor and model.factor_um say the same in two units", "remove one of them", source)
    return True


def _check_budget_keys(given: Mapping[str, Any], kind: type[BaseModel] | None, source: str) -> None:
    """A key of the other kind of budget is not unknown, it is out of place."""
    other = FixedBudget if kind is LearnedBudget else LearnedBudget
    for key in given:
        if kind and key in other.model_fields and key not in kind.model_fields:
            learn = "true" if other is LearnedBudget else "false"
            raise BadInput(
                f"budget.{key} does not go with this kind of budget", f"set budget.learn={learn}, or remove it", source
            )


def _known_keys(whole: type[Recipe], budget: type[BaseModel] | None, model: str) -> dict[str, list[str]]:
    """Keys by section, for the error about one that is not among them."""
    data: Any = whole.model_fields["data"].annotation
    training: Any = whole.model_fields["training"].annotation
    augmentation: Any = data.model_fields["augmentation"].annotation
    options = [option for option in options_of(model) if option not in settled_by_training(model)]
    known = {
        "": list(whole.model_fields),
        "data": list(data.model_fields),
        "data.augmentation": [field.name for field in fields(augmentation)],
        "model": ["name", *options, *(("factor_um",) if "factor" in options else ())],
        "training": list(training.model_fields),
        "budget": list(budget.model_fields) if budget else [],
    }
    return known | ({"curriculum": list(Curriculum.model_fields)} if "curriculum" in whole.model_fields else {})


def _inside(section: str, error: ValidationError) -> ValidationError:
    """The same error, one section further out."""
    lines: Any = [{**each, "loc": (section, *each["loc"])} for each in error.errors()]
    return ValidationError.from_exception_data(error.title, lines)


def _json(values: Any) -> str:
    return json.dumps(values, default=str)


def _plain(value: Any) -> Any:
    """Tuples as lists, as YAML has them."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of a recipe by their dotted keys.

    >>> dotted({"training": {"epochs": 30}})
    {'training.epochs': 30}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= dotted(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat

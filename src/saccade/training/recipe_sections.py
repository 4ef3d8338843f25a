"""The sections of a recipe: what each key is called, what it may be and what it is where a recipe does not say."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from saccade.core.errors import BadInput
from saccade.core.splits import FRACTIONS
from saccade.core.units import factor_for
from saccade.datasets.augmentation import Augmentation
from saccade.imaging.views import FieldAugmentation

GENTLE = Augmentation(
    flip=True, quarter_turns=True, rotation=180.0, scale=0.12, shift=0.05, warped=0.5, contrast=0.15, offset=0.15
)
"""How training images are changed where a recipe does not say; a cell is the same whichever way up."""

GENTLE_FIELDS = FieldAugmentation(flip=True, contrast=0.1, zoom=1.1, zoomed=0.5)
"""How training fields are changed where a recipe does not say: the paper's kinds of change, in amounts of our choice,
and, ours too, that half of the fields stay sharp, as all are in evaluation."""


class Section(BaseModel):
    """Keys nobody knows are refused, a number is a number and a word a word."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


_Fraction = Annotated[float, Field(ge=0, le=1)]
_Share = Annotated[float, Field(gt=0, le=1)]
_Positive = Annotated[float, Field(gt=0)]
FullPath = Annotated[str, AfterValidator(lambda path: os.path.abspath(os.path.expanduser(path)))]
"""A path, relative to the working folder where it is written, kept whole."""


def _completed(given: Any) -> Any:
    """A change to some of the augmentation leaves the rest of it; ``null`` switches all off."""
    if given is None:
        return asdict(Augmentation())
    return {**asdict(GENTLE), **given} if isinstance(given, Mapping) else given


def _field_completed(given: Any) -> Any:
    """The same for fields."""
    if given is None:
        return asdict(FieldAugmentation())
    return {**asdict(GENTLE_FIELDS), **given} if isinstance(given, Mapping) else given


class LabelledRecipe(Section):
    """What to train on, at any scale.

    Attributes:
        path: Folder of class folders, manifest or MedMNIST file; relative to the working folder, kept as a full path.
            Of slides, a table of their names and labels.
        seed: Of the split into parts, where the data brings none.
        fractions: Shares of training, validation and test part of that split.
    """

    path: FullPath
    seed: Annotated[int, Field(ge=0)] = 0
    fractions: tuple[_Fraction, _Fraction, _Fraction] = FRACTIONS


class ImageRecipe(LabelledRecipe):
    """Images to train on.

    Attributes:
        channels: Channels of the model's input; ``null`` takes those of the first image.
        mean: Mean of each channel, as a share of the largest value of the files' type; ``null`` measures it.
        std: Standard deviation of each channel, likewise. Both are measured on the training part.
        mpp: Micrometres per base pixel of the images; ``null`` takes those of the manifest, or of TIFF fields that
            state them.
    """

    channels: Annotated[int | None, Field(ge=1, le=64)] = None
    mean: tuple[float, ...] | None = None
    std: tuple[_Positive, ...] | None = None
    mpp: _Positive | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> "ImageRecipe":
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std belong together: give both or neither")
        return self


class DataRecipe(ImageRecipe):
    """Cells to train on.

    Attributes:
        size: Side of the square that images are resized to.
        augmentation: How training images are changed; ``null`` leaves them as they are.
    """

    size: Annotated[int, Field(ge=1, le=4096)] = 64
    augmentation: Annotated[Augmentation, BeforeValidator(_completed)] = GENTLE


class FieldDataRecipe(ImageRecipe):
    """Fields to train on, each at its own size.

    Attributes:
        augmentation: How training fields are seen; ``null`` leaves them as they are.
    """

    augmentation: Annotated[FieldAugmentation, BeforeValidator(_field_completed)] = GENTLE_FIELDS


class ModelRecipe(Section):
    """A registered model and the options of its builder, all of them once parsed.

    Attributes:
        name: The model.
        factor_um: Micrometres along the side of a cell, for models with a ``factor`` and in its place until the data is
            open; a run holds the factor that came of it.
    """

    model_config = ConfigDict(extra="allow")
    name: str
    factor_um: _Positive | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The builder's keyword arguments, without what the training settles."""
        return dict(self.model_extra or {})

    def with_factor(self, mpp: float | None) -> "ModelRecipe":
        """The same with a factor in base pixels of so many micrometres, where it was given in micrometres.

        Raises:
            BadInput: The data does not tell the size of its pixels, or they are larger than a cell is to be.
        """
        if self.factor_um is None:
            return self
        try:
            factor = factor_for(self.factor_um, mpp)
        except BadInput as error:
            remedy = "set data.mpp, or give model.factor in its place" if mpp is None else f"give {mpp:g} or more"
            raise BadInput(f"model.factor_um = {self.factor_um:g}: the data {error.message}", remedy) from error
        return ModelRecipe(name=self.name, **{**self.options, "factor": factor})


class TrainingRecipe(Section):
    """How to train.

    Attributes:
        epochs: Times through the training part.
        batch_size: Images in a step, over all devices.
        learning_rate: Its peak, after the warm-up.
        weight_decay: AdamW's.
        schedule: ``cosine`` lets the learning rate fall to zero along half a cosine, ``constant`` keeps it.
        hold: Share of the steps before it begins to fall.
        warm_up: Share of the steps in which it first climbs from zero.
        seed: Of weights, order, augmentation and random pixels.
        class_weights: ``inverse`` weighs each class in the loss by the inverse of its frequency, ``sampler`` draws all
            classes equally often.
        patience: Stop after so many epochs without a better validation loss; ``null`` never stops early. With a
            learned budget the count starts when the budget is frozen.
    """

    epochs: Annotated[int, Field(ge=1)] = 120
    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    schedule: Literal["cosine", "constant"] = "cosine"
    hold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.15
    seed: Annotated[int, Field(ge=0)] = 0
    class_weights: Literal["none", "inverse", "sampler"] = "none"
    patience: Annotated[int | None, Field(ge=1)] = None


class FieldTrainingRecipe(TrainingRecipe):
    """How to train on fields; the same keys, with defaults for images of which a few hundred are many.

    Attributes:
        look_from: Folder of a run of attention-sampling whose look attention-front-end starts with; ``null`` starts
            anew. Relative to the working folder, kept as a full path.
    """

    epochs: Annotated[int, Field(ge=1)] = 30
    batch_size: Annotated[int, Field(ge=2)] = 8
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    hold: Annotated[float, Field(ge=0, lt=1)] = 0.7
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.0
    look_from: FullPath | None = None


class Curriculum(Section):
    """The stages of a look that learns from what its draws earn; see ``curriculum.CurriculumRule``."""

    warm_up: Annotated[int, Field(ge=0)] = 3
    reading: Annotated[int, Field(ge=0)] = 2
    gate: _Share = 0.9
    warm_up_rate: _Positive = 3.0
    reading_rate: _Positive = 2.0


class LearnedBudget(Section):
    """A budget that is found in training; see ``budget_schedule.BudgetRule`` for what the numbers do."""

    learn: Literal[True] = True
    floor: _Share = 0.02
    ceiling: _Share = 0.30
    tolerance: Annotated[float, Field(ge=0)] = 0.05
    least_loss: _Positive = 0.2
    searched: _Fraction = 0.5
    measured: Annotated[int, Field(ge=1)] = 5

    @model_validator(mode="after")
    def _ordered(self) -> "LearnedBudget":
        if not self.floor <= self.ceiling:
            raise ValueError("floor ≤ ceiling must hold")
        return self


class FixedBudget(Section):
    """A budget that stays: a share of the image's pixels; by default the paper's 15 %."""

    learn: Literal[False] = False
    share: _Share = 0.15

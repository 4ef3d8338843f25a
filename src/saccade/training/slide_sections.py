"""The sections of a recipe for slides: what differs from those for images."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.training.recipe_sections import FullPath, LabelledRecipe, TrainingRecipe


def _completed(given: Any) -> Any:
    """A change to some of the augmentation leaves the rest of it; ``null`` switches all off."""
    if given is None:
        return asdict(GridAugmentation(probability=0.0))
    return {**asdict(GridAugmentation()), **given} if isinstance(given, Mapping) else given


class SlideDataRecipe(LabelledRecipe):
    """Embedded slides to train on.

    Attributes:
        features: Folder of feature files, at any depth, such as that of a job of `saccade embed` or TRIDENT.
        snap: ``nearest`` moves patches that fit no lattice to their nearest place; ``null`` refuses them.
        standardise: Shift and scale each number of the features by its mean and deviation in the training part;
            ``false`` takes them as the encoder left them.
        augmentation: How patches are moved about on their lattice while training; ``null`` leaves them where they are.
    """

    features: FullPath
    snap: Literal["nearest"] | None = None
    standardise: bool = True
    augmentation: Annotated[GridAugmentation, BeforeValidator(_completed)] = GridAugmentation()


class SlideTrainingRecipe(TrainingRecipe):
    """How to train on slides; the same keys, with the defaults of SPAN's authors.

    They chose the epoch by the area under the ROC curve of validation; here it is the loss, as at the other scales: of
    few slides many epochs share the best area.
    """

    epochs: Annotated[int, Field(ge=1)] = 50
    batch_size: Annotated[int, Field(ge=1)] = 1
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    warm_up: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: Literal["none", "inverse", "sampler"] = "inverse"
    patience: Annotated[int | None, Field(ge=1)] = 10


class SurvivalDataRecipe(SlideDataRecipe):
    """Embedded slides with ``time`` and ``event`` to train on; labels are not needed.

    Attributes:
        bins: How many bins time is cut into, by the events of the training part.
    """

    bins: Annotated[int, Field(ge=2)] = 4


class SurvivalTrainingRecipe(SlideTrainingRecipe):
    """How to train for survival: bins hold about as many events each, so there are no classes to weigh."""

    class_weights: Literal["none"] = "none"  # pyright: ignore[reportIncompatibleVariableOverride] - frozen

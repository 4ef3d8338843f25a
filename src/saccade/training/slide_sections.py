"""The sections of a recipe for slides: what differs from those for images."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from saccade.core.errors import BadInput
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.datasets.patch_labels import OVERLAP
from saccade.datasets.patch_truth import PatchRules
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


class SegmentationDataRecipe(SlideDataRecipe):
    """Embedded slides with annotations to train on; labels are not needed.

    Attributes:
        patch_classes: Names of the classes of patches, what is none of the others first; a recipe has to say.
        ignored_outlines: Names of outlines that say nothing about patches, such as of tissue.
        overlap: Part of a patch that outlines of a class must cover.
    """

    patch_classes: tuple[str, ...] = ()
    ignored_outlines: tuple[str, ...] = ()
    overlap: Annotated[float, Field(gt=0, le=1)] = OVERLAP

    @property
    def rules(self) -> PatchRules:
        """How annotations become classes.

        Raises:
            BadInput: The classes are not named.
        """
        if not self.patch_classes:
            remedy = "name them, what is none of the others first, such as data.patch_classes=[normal,tumour]"
            raise BadInput("data.patch_classes does not say which classes patches have", remedy)
        return PatchRules(self.patch_classes, self.ignored_outlines, self.overlap)


class SegmentationTrainingRecipe(SlideTrainingRecipe):
    """How to train on classes of patches: ``inverse`` goes by the frequency of patches, and slides are not balanced."""

    class_weights: Literal["none", "inverse"] = "inverse"  # pyright: ignore[reportIncompatibleVariableOverride] - frozen

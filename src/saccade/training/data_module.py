"""The training and validation part of a data set, as Lightning asks for them."""

from lightning.pytorch import LightningDataModule

from saccade.core.errors import BadInput
from saccade.datasets.cells import CellData
from saccade.datasets.fields import FieldData
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.datasets.slides import Prepare, SlideData
from saccade.training.batches import (
    Labelled,
    LabelledFields,
    LabelledImages,
    LabelledSlides,
    Share,
    TrainingBatches,
    ValidationBatches,
    batch_lengths,
    least_of,
)
from saccade.training.recipe_sections import TrainingRecipe
from saccade.training.slide_changes import SlideChanges

AnyData = CellData | FieldData | SlideData

_VALIDATION_BATCH = 256
"""Cells validated at a time: without gradients there is room for more than in training."""


class ImageDataModule(LightningDataModule):
    """Batches for one or several processes; the test part is not in it, so no training can touch that.

    Args:
        training: Images to learn from.
        validation: Images to stop and choose by.
        recipe: Batch size, seed and how classes are balanced.
        changes: What is done with training slides each time they come up.
    """

    def __init__(
        self, training: Labelled, validation: Labelled, recipe: TrainingRecipe, changes: SlideChanges | None = None
    ) -> None:
        super().__init__()
        self.training, self.validation, self.recipe, self.changes = training, validation, recipe, changes

    @classmethod
    def of(
        cls,
        data: AnyData,
        recipe: TrainingRecipe,
        devices: int = 1,
        prepare: Prepare | None = None,
        moves: GridAugmentation | None = None,
    ) -> "ImageDataModule":
        """The parts ``train`` and ``val`` of a data set.

        Args:
            data: All of it.
            recipe: How to train.
            devices: Processes that share the batches.
            prepare: What the model does with each bag of a slide, once where its patches stay in their places.
            moves: How patches of training slides are moved about.

        Raises:
            BadInput: A part is missing, or the training part has a single image or fewer than two for each device.
        """
        parts = [data.part(name) for name in ("train", "val")]
        if len(parts[0]) < 2:
            raise BadInput("the training part has a single image", "add images", str(data.manifest.source))
        changes = None
        if prepare is not None and moves is not None and moves.probability > 0:
            changes = SlideChanges(moves, prepare, recipe.seed, recipe.epochs)
        training, validation = _labelled(parts[0], None if changes else prepare), _labelled(parts[1], prepare)
        # Said here, not by each of several processes.
        batch_lengths(len(training), recipe.batch_size, devices, least_of(training))
        return cls(training, validation, recipe, changes)

    def train_dataloader(self) -> TrainingBatches:
        """This process's share of the training batches."""
        balanced = self.recipe.class_weights == "sampler"
        recipe = self.recipe
        return TrainingBatches(
            self.training, recipe.batch_size, recipe.seed, balanced, self.share(), changes=self.changes
        )

    def val_dataloader(self) -> ValidationBatches:
        """This process's share of the validation batches."""
        large = not isinstance(self.validation, LabelledImages)
        size = self.recipe.batch_size if large else max(self.recipe.batch_size, _VALIDATION_BATCH)
        return ValidationBatches(self.validation, size, self.share())

    def share(self) -> Share:
        """Which of how many processes this is."""
        trainer = self.trainer
        return Share(trainer.global_rank, trainer.world_size) if trainer else Share()


def _labelled(part: AnyData, prepare: Prepare | None) -> Labelled:
    """The pixels, or the bags, and the labels of a part."""
    if isinstance(part, SlideData):
        return LabelledSlides(part.shelf if prepare is None else part.shelf.prepared(prepare), part.labels)
    if isinstance(part, FieldData):
        return LabelledFields(part.images, part.labels)
    return LabelledImages(part.storage, part.positions, part.labels)

"""What is done with training slides each time they come up, by the threads that load them."""

from dataclasses import dataclass

import torch

from saccade.core.bags import Bags
from saccade.datasets.grid_augmentation import GridAugmentation
from saccade.datasets.slides import Prepare
from saccade.training.seeds import Purpose, derive_seed


@dataclass(frozen=True)
class SlideChanges:
    """Moves patches about on their lattice, then finds for the model what there is to find in their new places.

    An index of places is of no use once patches have moved. So it is made here, while another batch is learned from,
    and neither before nor within the training step.

    Attributes:
        augmentation: Moves patches.
        prepare: What the model does with each bag.
        seed: Of the training.
        epochs: Of the training, over which the moves become fewer.
    """

    augmentation: GridAugmentation
    prepare: Prepare
    seed: int
    epochs: int

    def __call__(self, bags: Bags, epoch: int, step: int, rank: int) -> Bags:
        """The slides of one step of one process; what is drawn depends on these numbers and the seed alone."""
        dice = torch.Generator().manual_seed(derive_seed(Purpose.AUGMENTATION, self.seed, epoch, step, rank))
        moved = self.augmentation(bags, dice, epoch / self.epochs)
        return Bags.concatenate([self.prepare(moved[slide]) for slide in range(len(moved))])

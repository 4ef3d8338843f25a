import pytest
import torch

from saccade.core.errors import BadInput
from saccade.datasets.cells import CellData
from saccade.training.batches import Share
from saccade.training.data_module import ImageDataModule
from saccade.training.recipe_sections import TrainingRecipe
from tests.training.miniature_cells import make_cells


def test_parts(cells: CellData) -> None:
    module = ImageDataModule.of(cells, TrainingRecipe(batch_size=8))
    seen = torch.cat([images for images, _ in module.train_dataloader()])
    assert seen.dtype == torch.uint8
    assert len(seen) == len(cells.part("train")) == 24
    ((images, labels),) = module.val_dataloader()
    assert torch.equal(images, cells.part("val").images)
    assert torch.equal(labels, cells.part("val").labels)


def test_sampler_balances() -> None:
    module = ImageDataModule.of(make_cells(), TrainingRecipe(class_weights="sampler"))
    assert module.train_dataloader().balanced
    assert not ImageDataModule.of(make_cells(), TrainingRecipe(class_weights="inverse")).train_dataloader().balanced


def test_processes(cells: CellData) -> None:
    module = ImageDataModule.of(cells, TrainingRecipe(batch_size=8))
    module.share = lambda: Share(1, 2)
    assert [len(labels) for _, labels in module.train_dataloader()] == [4, 4, 4]
    assert [len(labels) for _, labels in module.val_dataloader()] == [3]


def test_parts_that_cannot_train(cells: CellData) -> None:
    with pytest.raises(BadInput, match="no images in the part 'val'"):
        ImageDataModule.of(cells.part("train"), TrainingRecipe())
    train = [index for index, row in enumerate(cells.rows) if row.split == "train"]
    single = cells.take([train[0], *(index for index, row in enumerate(cells.rows) if row.split == "val")])
    with pytest.raises(BadInput, match="single image"):
        ImageDataModule.of(single, TrainingRecipe())
    with pytest.raises(BadInput, match="24 training images for 13 devices are too few"):
        ImageDataModule.of(cells, TrainingRecipe(), devices=13)

"""What the tests of training share."""

from collections.abc import Callable
from typing import Any

import pytest

from saccade.datasets.cells import CellData
from saccade.training.task import TrainingTask
from tests.training.miniature_cells import make_cells


@pytest.fixture(scope="session")
def cells() -> CellData:
    """Three classes of twelve images of 16 pixels: eight to train, two to validate, two to test."""
    return make_cells()


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the next training die in the middle of an epoch."""

    def die_in(epoch: int) -> None:
        step = TrainingTask.training_step

        def training_step(task: TrainingTask, batch: Any, batch_idx: int) -> Any:
            if (task.current_epoch, batch_idx) == (epoch, 1):
                monkeypatch.undo()
                raise MemoryError("killed")
            return step(task, batch, batch_idx)

        monkeypatch.setattr(TrainingTask, "training_step", training_step)

    return die_in

import pickle
from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.training.batches import LabelledImages, Share, TrainingBatches, ValidationBatches, batch_lengths


def numbered(count: int, classes: int = 3) -> LabelledImages:
    """Images whose one pixel is their number, stored in reverse order."""
    storage = torch.arange(count, dtype=torch.uint8).flip(0).view(-1, 1, 1, 1)
    return LabelledImages(storage, torch.arange(count).flip(0), torch.arange(count) % classes)


def numbers(batches: TrainingBatches | ValidationBatches) -> list[list[int]]:
    return [images.flatten().tolist() for images, _ in batches]


@given(st.integers(2, 300), st.integers(2, 70), st.integers(1, 4))
def test_lengths(images: int, batch_size: int, processes: int) -> None:
    if images // processes < 2:
        with pytest.raises(BadInput, match="use fewer devices"):
            batch_lengths(images, batch_size, processes)
        return
    lengths = batch_lengths(images, batch_size, processes)
    assert sum(lengths) == images // processes
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= 2, "batch norm needs two"
    assert max(lengths) <= max(3, -(-batch_size // processes))


def test_the_order_follows_seed_and_epoch() -> None:
    def epoch(seed: int, number: int) -> list[list[int]]:
        batches = TrainingBatches(numbered(20), 8, seed)
        batches.sampler.set_epoch(number)
        return numbers(batches)

    assert epoch(0, 3) == epoch(0, 3)
    assert epoch(0, 3) != epoch(0, 4)
    assert epoch(0, 3) != epoch(1, 3)
    assert sorted(chain(*epoch(0, 3))) == list(range(20))
    assert [len(batch) for batch in epoch(0, 3)] == [7, 7, 6]


def test_labels_go_with_their_images() -> None:
    for images, labels in TrainingBatches(numbered(20), 8, 0):
        assert torch.equal(images.flatten() % 3, labels)


def test_processes_share_each_batch() -> None:
    alone = TrainingBatches(numbered(24), 8, 5)
    shared = [TrainingBatches(numbered(24), 8, 5, share=Share(rank, 2)) for rank in range(2)]
    pairs = zip(numbers(shared[0]), numbers(shared[1]), strict=True)
    assert [sorted(first + second) for first, second in pairs] == [sorted(batch) for batch in numbers(alone)]


def test_balanced_epochs_draw_classes_alike() -> None:
    images = LabelledImages(torch.zeros(1000, 1, 1, 1), torch.arange(1000), (torch.arange(1000) < 50).long())
    batches = TrainingBatches(images, 100, 0, balanced=True)
    labels = torch.cat([labels for _, labels in batches])
    assert len(labels) == 1000
    assert 0.45 < labels.float().mean() < 0.55


@pytest.mark.parametrize(("count", "processes"), [(10, 1), (10, 3), (2, 2)])
def test_validation_takes_each_image_once(count: int, processes: int) -> None:
    shares = [ValidationBatches(numbered(count), 4, Share(rank, processes)) for rank in range(processes)]
    assert sorted(chain(*(chain(*numbers(share)) for share in shares))) == list(range(count))
    assert all(len(numbers(share)) == len(share) for share in shares)


def test_no_process_is_without_validation() -> None:
    shares = [ValidationBatches(numbered(1), 4, Share(rank, 3)) for rank in range(3)]
    assert [numbers(share) for share in shares] == [[[0]]] * 3


def test_pickled_by_value_and_only_the_part() -> None:
    images = numbered(9).take(torch.tensor([4, 2]))
    copy = pickle.loads(pickle.dumps(images))
    assert copy.storage.shape == (2, 1, 1, 1)
    rows = torch.arange(2)
    assert all(torch.equal(a, b) for a, b in zip(copy.batch(rows), images.batch(rows), strict=True))

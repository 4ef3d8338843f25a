"""The downscaled CNN: tiny-cnn on an overview, with nothing read."""

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack
from saccade.models.baselines.downscaled_cnn import downscaled_cnn
from saccade.models.baselines.tiny_cnn import tiny_cnn
from tests.models.miniature_fields import SIZES, fields


def test_it_is_the_tiny_cnn_on_means_of_blocks() -> None:
    model, tiny = downscaled_cnn(("a", "b"), factor=4).eval(), tiny_cnn(("a", "b")).eval()
    tiny.network.load_state_dict(model.network.state_dict())
    values = torch.randn(2, 3, 32, 48)
    small = values.unflatten(2, (8, 4)).unflatten(4, (12, 4)).mean((3, 5))
    assert torch.allclose(model(values).logits, tiny(small).logits, atol=1e-5)
    assert sum(p.numel() for p in downscaled_cnn(tuple("abc")).parameters()) < 65_000


def test_its_site_is_the_image_and_it_has_read_nothing() -> None:
    prediction = downscaled_cnn(("a", "b"), factor=4).eval()(fields())
    assert prediction.sites.boxes[:, 0].tolist() == [[0, 0, width, height] for height, width in SIZES]
    assert prediction.sites.weights.tolist() == [[1.0]] * 3
    assert prediction.cost.pixels_read.tolist() == [0] * 3


def test_details_that_the_blocks_average_out_change_nothing() -> None:
    values = torch.randn(1, 3, 32, 32)
    fine = torch.tensor([1.0, -1.0]).repeat(16)
    model = downscaled_cnn(("a", "b"), factor=4).eval()
    assert torch.allclose(model(Stack(values)).logits, model(Stack(values + fine)).logits, atol=1e-5)


def test_a_field_of_one_cell_alone_in_training() -> None:
    with pytest.raises(BadInput, match="1 × 1 cells"):
        downscaled_cnn(("a", "b"), factor=5).train()(torch.rand(1, 3, 5, 5))

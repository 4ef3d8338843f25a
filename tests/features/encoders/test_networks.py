"""A network's encoder resizes, normalises and tells its weights apart."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from saccade.core.errors import BadInput
from saccade.features.encoders.networks import NetworkEncoder, features_per_patch, frozen, weights_fingerprint
from saccade.imaging.preprocessing import Preprocessing


def test_patches_become_the_networks_input() -> None:
    seen: list[torch.Tensor] = []

    def network(images: torch.Tensor) -> torch.Tensor:
        seen.append(images)
        assert torch.is_inference_mode_enabled()
        return images.mean((2, 3)).half()

    told = Preprocessing(8, 3, (0.5, 0.4, 0.3), (0.1, 0.2, 0.3))
    encoder = NetworkEncoder(network, told, "a", 3, {}, torch.device("cpu"))
    patches = np.full((2, 16, 16, 3), (255, 0, 51), np.uint8)
    features = encoder(patches)
    assert features.dtype == np.float32 and seen[0].shape == (2, 3, 8, 8)
    np.testing.assert_allclose(features, [[5.0, -2.0, -1 / 3]] * 2, rtol=1e-3)
    assert encoder.input_size == 8


def test_frozen() -> None:
    network = frozen(nn.Sequential(nn.Linear(2, 2), nn.Dropout()), "cpu")
    assert not network.training and not any(value.requires_grad for value in network.parameters())
    with pytest.raises(BadInput, match="there is no device 'nowhere' here"):
        frozen(network, "nowhere")


def test_features_per_patch() -> None:
    assert features_per_patch(lambda images: images.flatten(1), 4, "cpu") == 48


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda images: images.flatten(2), "a: gives features of 3 axes, not one row of numbers per patch"),
        (lambda images: images[0, 0, 0], "a: gives features of 1 axes"),
        (lambda images: images.flatten(1)[:1], "a: gives 1 rows of features for 2 patches"),
        (lambda images: [images], "a: gives a list instead of features"),
    ],
)
def test_what_is_no_row_per_patch(network: Any, message: str) -> None:
    with pytest.raises(BadInput, match=rf"^{message}.*\. Give a vision model"):
        features_per_patch(network, 4, "cpu", "a")


def test_fingerprint_of_weights() -> None:
    torch.manual_seed(0)
    first, second = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    assert weights_fingerprint(first) == weights_fingerprint(second)
    first.num_batches_tracked += 5
    assert weights_fingerprint(first) == weights_fingerprint(second)
    first.weight.data[1] += 1e-6
    assert weights_fingerprint(first) != weights_fingerprint(second)
    assert weights_fingerprint(first, but={"weight"}) == weights_fingerprint(second, but={"weight"})
    assert weights_fingerprint(nn.Linear(2, 3)) != weights_fingerprint(nn.Linear(3, 2))
    half = nn.Linear(2, 2).to(torch.bfloat16)  # which NumPy has not
    assert len(weights_fingerprint(half)) == 64

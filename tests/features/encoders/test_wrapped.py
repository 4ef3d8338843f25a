"""Any function can be an encoder, if it gives one row of numbers per patch."""

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.encoders import create_encoder
from saccade.features.encoders.encoder import Encoder, fingerprint
from saccade.features.encoders.wrapped import wrapped


def mean_colour(patches: np.ndarray) -> np.ndarray:
    return patches.mean((1, 2))


PATCHES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def test_arrays_and_tensors() -> None:
    encoder = create_encoder(mean_colour)
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.dim, encoder.input_size) == ("mean_colour", 3, None)
    assert encoder(PATCHES).dtype == np.float32
    np.testing.assert_allclose(encoder(PATCHES), PATCHES.mean((1, 2)), rtol=1e-6)
    assert encoder(PATCHES[:0]).shape == (0, 3)
    tensor = wrapped(lambda patches: torch.from_numpy(mean_colour(patches)).to(torch.bfloat16).requires_grad_())
    assert tensor(PATCHES).dtype == np.float32 and tensor.name == "lambda"


def test_a_version_of_its_own_tells_two_apart() -> None:
    class Mine:
        def __init__(self, version: str) -> None:
            self.version = version

        def __call__(self, patches: np.ndarray) -> np.ndarray:
            return mean_colour(patches)

    first, second = wrapped(Mine("1")), wrapped(Mine("2"))
    assert first.name == second.name == "Mine"
    assert fingerprint(first.facts) != fingerprint(second.facts)
    assert "test_wrapped" in first.facts["source"] or "Mine" in first.facts["source"]


def test_encoders_stay_what_they_are() -> None:
    encoder = wrapped(mean_colour)
    assert create_encoder(encoder) is encoder


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (lambda patches: patches.mean((1, 2, 3)), r"gave float64 \(2,\) for 2 patches"),
        (lambda patches: np.ones((3, 2)), r"gave float64 \(3, 2\) for 2 patches"),
        (lambda patches: [["a"]] * len(patches), "for 2 patches. Return one row"),
    ],
)
def test_other_answers(found: object, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        wrapped(found)  # type: ignore[arg-type]


def test_answers_that_change_their_length() -> None:
    encoder = wrapped(lambda patches: np.ones((len(patches), patches.shape[1])))
    assert encoder.dim == 224
    with pytest.raises(BadInput, match="gave 16 numbers per patch, but 224 before"):
        encoder(PATCHES)

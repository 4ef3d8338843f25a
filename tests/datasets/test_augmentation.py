"""Augmentation: nothing at zero, exact where it says so, the same again from the same generator."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.datasets.augmentation import Augmentation, flipped, quarter_turned, relit, warped

EVERYTHING = Augmentation(True, True, 180.0, 0.2, 0.1, 0.2, 0.2, 0.1, 0.1)
SINGLE = {
    "flip": True,
    "quarter_turns": True,
    "rotation": 30.0,
    "scale": 0.3,
    "shift": 0.2,
    "brightness": 0.5,
    "contrast": 0.5,
    "gain": 0.5,
    "offset": 0.5,
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_all_at_zero_change_nothing() -> None:
    images = torch.rand(4, 2, 5, 6)
    assert Augmentation()(images, generator()) is images


@pytest.mark.parametrize("field", SINGLE)
def test_each_switch_does_something_of_its_own(field: str) -> None:
    images = torch.rand(16, 2, 8, 8)
    before = images.clone()
    changed = Augmentation(**{field: SINGLE[field]})(images, generator())
    assert changed.shape == images.shape and not torch.equal(changed, images)
    assert torch.equal(images, before), "the batch handed in is left as it is"


@given(st.integers(1, 6), st.integers(1, 5), st.integers(1, 9), st.integers(1, 9), st.integers(0, 9))
def test_shapes_and_repetition(batch: int, channels: int, height: int, width: int, seed: int) -> None:
    images = torch.rand(batch, channels, height, width)
    once, again = EVERYTHING(images, generator(seed)), EVERYTHING(images, generator(seed))
    assert once.shape == images.shape and once.isfinite().all() and torch.equal(once, again)


def test_generators_go_on_and_differ() -> None:
    images = torch.rand(4, 3, 8, 8)
    running = generator()
    assert not torch.equal(EVERYTHING(images, running), EVERYTHING(images, running))
    assert not torch.equal(EVERYTHING(images, generator(1)), EVERYTHING(images, generator(2)))


def test_the_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    EVERYTHING(torch.rand(2, 3, 8, 8, generator=generator()), generator())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("height", "width", "kinds"), [(4, 4, 4), (4, 6, 4)])
def test_flips_are_the_four_mirrorings(height: int, width: int, kinds: int) -> None:
    image = torch.arange(float(height * width)).reshape(1, height, width)
    allowed = [image, image.flip(-1), image.flip(-2), image.flip(-1, -2)]
    assert found_among(flipped(image.expand(64, -1, -1, -1), generator()), allowed) == set(range(kinds))


@pytest.mark.parametrize(("width", "turns"), [(4, {0, 1, 2, 3}), (6, {0, 2})])
def test_quarter_turns_are_exact(width: int, turns: set[int]) -> None:
    image = torch.arange(float(4 * width)).reshape(1, 4, width)
    allowed = [image.rot90(count, (-2, -1)) for count in range(4)]
    assert found_among(quarter_turned(image.expand(64, -1, -1, -1), generator()), allowed) == turns


def found_among(images: torch.Tensor, allowed: list[torch.Tensor]) -> set[int]:
    """Which of the allowed images the batch holds; fails for any other."""
    found = set()
    for image in images:
        matches = [index for index, other in enumerate(allowed) if torch.equal(image, other)]
        assert matches
        found.update(matches[:1])
    return found


def test_a_warp_of_zero_is_the_image() -> None:
    images = torch.rand(3, 2, 7, 9)
    torch.testing.assert_close(warped(images, 0.0, 0.0, 0.0, generator()), images)


@pytest.mark.parametrize("seed", range(3))
def test_a_warp_goes_where_geometry_says(seed: int) -> None:
    """A linear ramp in pixels is sampled at turned, scaled and moved places: an oracle without interpolation error."""
    height, width = 41, 31
    y, x = torch.meshgrid(torch.arange(height) - 20.0, torch.arange(width) - 15.0, indexing="ij")
    images = torch.stack([x, y])[None]
    u = 2 * torch.rand((4, 1), generator=generator(seed)) - 1
    angle, factor = float(u[0]) * math.radians(25), 1.2 ** -float(u[1])
    source_x = factor * (math.cos(angle) * x - math.sin(angle) * y) + float(u[2]) * 0.1 * width
    source_y = factor * (math.sin(angle) * x + math.cos(angle) * y) + float(u[3]) * 0.1 * height
    inside = (source_x.abs() < 15) & (source_y.abs() < 20)
    result = warped(images, 25.0, 0.2, 0.1, generator(seed))[0]
    torch.testing.assert_close(result[0][inside], source_x[inside], atol=1e-3, rtol=0)
    torch.testing.assert_close(result[1][inside], source_y[inside], atol=1e-3, rtol=0)


def test_edges_are_reflected() -> None:
    """Whatever comes in from outside is made of the image's own values."""
    images = 5 + torch.rand(8, 1, 16, 16)
    result = warped(images, 180.0, 0.5, 0.5, generator())
    assert result.min() >= images.min() - 1e-5 and result.max() <= images.max() + 1e-5


def test_light_keeps_its_bounds() -> None:
    images = torch.rand(200, 3, 4, 4)
    changed = relit(images, 0.5, 0.0, (1, 2, 3), generator()) - images
    assert changed.abs().max() <= 0.5 + 1e-6 and changed.flatten(1).std(1).max() < 1e-6 and changed.std() > 0.2
    stretched = relit(images, 0.0, 1.0, (2, 3), generator())
    torch.testing.assert_close(stretched.mean((2, 3)), images.mean((2, 3)))
    ratio = stretched.std((2, 3)) / images.std((2, 3))
    assert ratio.min() >= 0.5 - 1e-4 and ratio.max() <= 2 + 1e-4 and ratio.std(1).min() > 0


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_amounts_that_make_no_sense(value: float) -> None:
    with pytest.raises(BadInput, match="augmentation shift is .*Give zero or more"):
        Augmentation(shift=value)

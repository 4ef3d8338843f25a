"""Augmentation: nothing at zero, exact where it says so, the same again from the same generator."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.datasets.augmentation import Augmentation, Light, Moves, flipped, quarter_turned, relit, warped

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


def test_a_switch_leaves_the_other_draws_alone() -> None:
    images = torch.rand(8, 3, 8, 8)
    lit = Augmentation(brightness=0.3)(images, generator())
    both = Augmentation(brightness=0.3, flip=True)(images, generator())
    torch.testing.assert_close(lit.sort(-1).values.sum((1, 2, 3)), both.sort(-1).values.sum((1, 2, 3)))


@pytest.mark.parametrize(("height", "width"), [(4, 4), (4, 6)])
def test_flips_are_the_four_mirrorings(height: int, width: int) -> None:
    image = torch.arange(float(height * width)).reshape(1, height, width)
    allowed = [image, image.flip(-1), image.flip(-2), image.flip(-1, -2)]
    images = image.expand(64, -1, -1, -1)
    assert found_among(Augmentation(flip=True)(images, generator()), allowed) == {0, 1, 2, 3}


@pytest.mark.parametrize(("width", "turns"), [(4, {0, 1, 2, 3}), (6, {0, 2})])
def test_quarter_turns_are_exact(width: int, turns: set[int]) -> None:
    image = torch.arange(float(4 * width)).reshape(1, 4, width)
    allowed = [image.rot90(count, (-2, -1)) for count in range(4)]
    images = image.expand(64, -1, -1, -1)
    assert found_among(Augmentation(quarter_turns=True)(images, generator()), allowed) == turns


def found_among(images: torch.Tensor, allowed: list[torch.Tensor]) -> set[int]:
    """Which of the allowed images the batch holds; fails for any other."""
    found = set()
    for image in images:
        matches = [index for index, other in enumerate(allowed) if torch.equal(image, other)]
        assert matches
        found.update(matches[:1])
    return found


def some_moves(
    count: int = 16, angle: float = 0.0, factor: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)
) -> Moves:
    """Every mirroring with every quarter turn, then all with the same warp."""
    each = torch.arange(count)
    return Moves(
        mirror=torch.stack([each % 2 > 0, each // 2 % 2 > 0], dim=1),
        turns=each // 4 % 4,
        angle=torch.full((count,), angle),
        factor=torch.full((count,), factor),
        shift=torch.tensor([shift] * count),
        bent=torch.ones(count, dtype=torch.bool),
    )


@pytest.mark.parametrize(("height", "width"), [(7, 7), (8, 8), (7, 9), (1, 1)])
def test_the_fast_way_is_the_plain_way(height: int, width: int) -> None:
    """Mirrorings and quarter turns inside the resampling equal the exact ones."""
    images, moves = torch.rand(16, 2, height, width), some_moves()
    plain = quarter_turned(flipped(images, moves.mirror), moves.turns)
    torch.testing.assert_close(warped(images, moves), plain, atol=1e-5, rtol=0)


def test_a_warp_comes_after_mirroring_and_turning() -> None:
    images, moves = torch.rand(16, 2, 9, 9), some_moves(angle=0.4, factor=1.2, shift=(0.1, -0.2))
    plain = quarter_turned(flipped(images, moves.mirror), moves.turns)
    still = replace(moves, mirror=torch.zeros_like(moves.mirror), turns=torch.zeros_like(moves.turns))
    torch.testing.assert_close(warped(images, moves), warped(plain, still), atol=1e-4, rtol=0)


def test_a_warp_goes_where_geometry_says() -> None:
    """A ramp is sampled at turned, scaled and moved places: an oracle without interpolation error."""
    height, width, angle, factor, shift = 41, 31, 0.4, 0.9, (0.1, -0.05)
    y, x = torch.meshgrid(torch.arange(height) - 20.0, torch.arange(width) - 15.0, indexing="ij")
    source_x = factor * (math.cos(angle) * x - math.sin(angle) * y) + shift[0] * width
    source_y = factor * (math.sin(angle) * x + math.cos(angle) * y) + shift[1] * height
    inside = (source_x.abs() < 15) & (source_y.abs() < 20)
    result = warped(torch.stack([x, y])[None], some_moves(1, angle, factor, shift))[0]
    torch.testing.assert_close(result[0][inside], source_x[inside], atol=1e-3, rtol=0)
    torch.testing.assert_close(result[1][inside], source_y[inside], atol=1e-3, rtol=0)


def test_the_stated_share_is_resampled_and_the_rest_stays_sharp() -> None:
    """A checkerboard of zeros and ones survives exact moves; any resampling leaves other values."""
    board = (torch.arange(64)[:, None] + torch.arange(64)) % 2.0
    amounts = Augmentation(flip=True, quarter_turns=True, rotation=180.0, shift=0.1, warped=0.3)
    moved = amounts(board.expand(1000, 1, 64, 64), generator())
    sharp = ((moved == 0) | (moved == 1)).all(-1).all(-1)[:, 0]
    assert sharp.float().mean().item() == pytest.approx(0.7, abs=0.05)
    assert torch.equal(replace(amounts, warped=0.0)(board[None, None], generator()).unique(), torch.tensor([0.0, 1.0]))


def test_edges_are_reflected() -> None:
    """Whatever comes in from outside is made of the image's own values."""
    images = 5 + torch.rand(8, 1, 16, 16)
    result = Augmentation(rotation=180.0, scale=0.5, shift=0.5)(images, generator())
    assert result.min() >= images.min() - 1e-5 and result.max() <= images.max() + 1e-5


def test_light_in_one_pass_is_light_in_two() -> None:
    images = 3 + torch.rand(5, 3, 4, 6)
    ones, twos = torch.rand(2, 5, 1, 1, 1), torch.rand(2, 5, 3, 1, 1)
    light = Light(contrast=ones[0], brightness=ones[1], gain=twos[0], offset=twos[1])
    mean = images.mean((1, 2, 3), keepdim=True)
    once = (images - mean) * light.contrast + mean + light.brightness
    mean = once.mean((2, 3), keepdim=True)
    torch.testing.assert_close(relit(images, light), (once - mean) * light.gain + mean + light.offset)


def test_light_keeps_its_bounds() -> None:
    images = torch.rand(200, 3, 4, 4)
    changed = Augmentation(brightness=0.5)(images, generator()) - images
    assert changed.abs().max() <= 0.5 + 1e-6 and changed.flatten(1).std(1).max() < 1e-6 and changed.std() > 0.2
    stretched = Augmentation(gain=1.0)(images, generator())
    torch.testing.assert_close(stretched.mean((2, 3)), images.mean((2, 3)))
    ratio = stretched.std((2, 3)) / images.std((2, 3))
    assert ratio.min() >= 0.5 - 1e-4 and ratio.max() <= 2 + 1e-4 and ratio.std(1).min() > 0


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_amounts_that_make_no_sense(value: float) -> None:
    with pytest.raises(BadInput, match="augmentation shift is .*Give zero or more"):
        Augmentation(shift=value)

"""Looks: one score per site, where the site is."""

import pytest
import torch
from torch import nn

from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack
from saccade.models.parts.pixel_look import (
    FullTrunk,
    IntensityScore,
    LearnedScore,
    NoLook,
    NoScore,
    NoTrunk,
    PixelLook,
    StridedTrunk,
    lattice_of,
)


def full(channels: int, site: int) -> PixelLook:
    trunk = FullTrunk(channels)
    return PixelLook(trunk, LearnedScore(trunk, site), site).eval()


def strided(channels: int, site: int) -> PixelLook:
    trunk = StridedTrunk(channels)
    return PixelLook(trunk, LearnedScore(trunk, site), site).eval()


def darkest(channels: int, site: int) -> PixelLook:
    return PixelLook(NoTrunk(), IntensityScore("darkest", site), site)


def unscored(channels: int, site: int) -> PixelLook:
    return PixelLook(StridedTrunk(channels), NoScore(site), site).eval()


@pytest.mark.parametrize("build", [full, strided, darkest, unscored, lambda channels, site: NoLook(site)])
@pytest.mark.parametrize("site", [1, 2, 4])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (9, 2)])
def test_every_site_gets_one_score(build, site: int, size: tuple[int, int]) -> None:
    stack = Stack(torch.rand(3, 2, *size))
    rows, columns = lattice_of(stack, site)
    assert (rows * site, columns * site) >= size
    assert build(2, site)(stack).scores.shape == (3, rows * columns)


@pytest.mark.parametrize("site", [1, 2, 4])
def test_a_strided_look_shifts_with_its_image(site: int) -> None:
    """Moving the picture by four and eight pixels moves the map as far: every score is in its place."""
    torch.manual_seed(0)
    look, side = strided(1, site), 48 // site
    image = torch.zeros(1, 1, 48, 48)
    image[:, :, 20:25, 18:26] = torch.rand(5, 8)
    moved = image.roll((4, 8), dims=(2, 3))
    here, there = (look(Stack(x)).scores.view(side, side) for x in (image, moved))
    inside = slice(12 // site, -12 // site)
    shifted = here.roll((4 // site, 8 // site), dims=(0, 1))
    assert torch.allclose(shifted[inside, inside], there[inside, inside], atol=1e-5)


@pytest.mark.parametrize("site", [1, 2])
def test_intensity_orders_sites_by_brightness(site: int) -> None:
    image = torch.rand(1, 3, 4, 4)
    mean = nn.functional.avg_pool2d(image.mean(1), site).flatten(1)
    bright, dark = (PixelLook(NoTrunk(), IntensityScore(o, site), site) for o in ("brightest", "darkest"))
    assert bright(Stack(image)).scores.argmax() == mean.argmax()
    assert dark(Stack(image)).scores.argmax() == mean.argmin()


def test_no_look_looks_at_nothing() -> None:
    stack = Stack(torch.rand(1, 1, 4, 4))
    assert NoLook(1)(stack).scores.abs().sum() == 0
    assert stack.cost().pixels_looked.tolist() == [0]


@pytest.mark.parametrize("build", [full, strided])
def test_a_look_looks_once(build) -> None:
    stack = Stack(torch.rand(1, 2, 5, 6))
    build(2, 2)(stack)
    assert stack.cost().pixels_looked_fraction.tolist() == [1.0]


@pytest.mark.parametrize("build", [full, strided])
def test_a_plain_image_gives_the_border_no_preference(build) -> None:
    """Without content every 4×4 block scores alike, at the border as in the middle."""
    torch.manual_seed(0)
    scores = build(2, 1)(Stack(torch.ones(1, 2, 16, 16))).scores.view(16, 16)
    blocks = scores.view(4, 4, 4, 4).transpose(1, 2).reshape(16, 4, 4)
    assert torch.allclose(blocks, blocks[:1].expand(16, -1, -1), atol=1e-5)


def test_sites_must_fit_the_grid() -> None:
    with pytest.raises(BadInput, match="stride"):
        strided(3, 3)

"""Looks: one score per pixel, where the pixel is."""

import pytest
import torch

from saccade.imaging.stack import Stack
from saccade.models.parts.pixel_look import FullLook, IntensityLook, NoLook, StridedLook


@pytest.mark.parametrize("look", [FullLook(2), StridedLook(2), IntensityLook(), NoLook()])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (8, 8), (9, 2)])
def test_every_pixel_gets_one_score(look: torch.nn.Module, size: tuple[int, int]) -> None:
    assert look.eval()(Stack(torch.rand(3, 2, *size))).shape == (3, size[0] * size[1])


def test_a_strided_look_shifts_with_its_image() -> None:
    """Moving the picture by four pixels moves the map by four pixels: the shuffle put every score in its place."""
    torch.manual_seed(0)
    look = StridedLook(1).eval()
    image = torch.zeros(1, 1, 48, 48)
    image[:, :, 20:25, 18:26] = torch.rand(5, 8)
    moved = image.roll((4, 8), dims=(2, 3))
    here, there = (look(Stack(x)).view(48, 48) for x in (image, moved))
    assert torch.allclose(here.roll((4, 8), dims=(0, 1))[12:-12, 12:-12], there[12:-12, 12:-12], atol=1e-5)


def test_intensity_orders_pixels_by_brightness() -> None:
    image = torch.rand(1, 3, 4, 4)
    mean = image.mean(1).flatten(1)
    assert IntensityLook("brightest")(Stack(image)).argmax() == mean.argmax()
    assert IntensityLook("darkest")(Stack(image)).argmax() == mean.argmin()


def test_no_look_looks_at_nothing() -> None:
    stack = Stack(torch.rand(1, 1, 4, 4))
    assert NoLook()(stack).abs().sum() == 0
    assert stack.cost().pixels_looked.tolist() == [0]


@pytest.mark.parametrize("look", [FullLook(2), StridedLook(2)])
def test_a_plain_image_gives_the_border_no_preference(look: torch.nn.Module) -> None:
    """Without content every 4×4 block scores alike, at the border as in the middle."""
    torch.manual_seed(0)
    scores = look.eval()(Stack(torch.ones(1, 2, 16, 16))).view(16, 16)
    blocks = scores.view(4, 4, 4, 4).transpose(1, 2).reshape(16, 4, 4)
    assert torch.allclose(blocks, blocks[:1].expand(16, -1, -1), atol=1e-5)

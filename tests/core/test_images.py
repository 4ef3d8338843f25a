"""What counts as images."""

import torch

from saccade.core.images import Images
from saccade.imaging.stack import Stack


def test_a_bare_tensor_is_no_images_but_a_stack_is() -> None:
    assert not isinstance(torch.rand(1, 1, 2, 2), Images)
    assert isinstance(Stack(torch.rand(1, 1, 2, 2)), Images)

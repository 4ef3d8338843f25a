"""The pyramid of one slide as bare tensors, for programs that take nothing else."""

from typing import NamedTuple

from jaxtyping import Int
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.models.parts.span_pyramid import Pyramid


class SlideTensors(NamedTuple):
    """What a slide's tokens depend on; numbers at the end of a name are those of the stages.

    Attributes:
        patch: The lowest stage's cell of each patch.
        tokens_0: The cell in each place of a block, −1 where there is none.
        neighbours_0: The blocks that hold a block's keys, −1 where there is none.
        parity_0: Twice whether the block's row is odd, plus whether its column is.
        place_0: Block × 9 + place of each cell.
        parent_1: The condensed cell of each cell below.
        slot_1: Its place there.
        counts_1: Children of each condensed cell.
        tokens_1: As of stage 0.
        neighbours_1: As of stage 0.
        parity_1: As of stage 0.
        place_1: As of stage 0.
        parent_2: As of stage 1.
        slot_2: As of stage 1.
        counts_2: As of stage 1.
    """

    patch: Int[Tensor, " patch"]
    tokens_0: Int[Tensor, "block 9"]
    neighbours_0: Int[Tensor, "block 7"]
    parity_0: Int[Tensor, " block"]
    place_0: Int[Tensor, " patch"]
    parent_1: Int[Tensor, " patch"]
    slot_1: Int[Tensor, " patch"]
    counts_1: Int[Tensor, " cell"]
    tokens_1: Int[Tensor, "block_1 9"]
    neighbours_1: Int[Tensor, "block_1 7"]
    parity_1: Int[Tensor, " block_1"]
    place_1: Int[Tensor, " cell"]
    parent_2: Int[Tensor, " cell"]
    slot_2: Int[Tensor, " cell"]
    counts_2: Int[Tensor, " large_cell"]


def slide_tensors(pyramid: Pyramid) -> SlideTensors:
    """The tensors of a pyramid.

    >>> import torch
    >>> from saccade.models.parts.span_pyramid import span_pyramid
    >>> slide_tensors(span_pyramid(torch.tensor([[0, 0], [1, 0]]), (2,))).counts_1.tolist()
    [1, 1]

    Raises:
        BadInput: It is that of several slides, of one without tissue, or has the release's sentinels.
    """
    if len(pyramid.patches) != 1 or not pyramid.patches[0]:
        message = f"slides of {pyramid.patches} patches were given to a program for one slide with tissue"
        raise BadInput(message, "give one slide at a time")
    if pyramid.compatibility != "correct":
        raise BadInput("a pyramid with sentinels was given", "export a model of the correct geometry")
    first, second, third = pyramid.stages
    assert second.condensed is not None and third.condensed is not None
    one, two, low, high = first.windows, second.windows, second.condensed, third.condensed
    return SlideTensors(
        pyramid.patch,
        *(one.tokens, one.neighbours, one.parity, one.place),
        *(low.parent, low.slot, low.counts),
        *(two.tokens, two.neighbours, two.parity, two.place),
        *(high.parent, high.slot, high.counts),
    )

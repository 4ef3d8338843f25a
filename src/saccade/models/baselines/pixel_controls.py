"""Controls of SparseAttnNet: the same reader, with pixels picked at random, by intensity, or all of them.

Source: our own, after METHODS §1: a learned selection counts only by what it adds to these.
"""

from typing import Literal

from saccade.models.parts.fine_attention import ClsRounds
from saccade.models.parts.pixel_look import IntensityLook, NoLook
from saccade.models.parts.pixel_select import AllPixels, RandomPixels, TopPixels
from saccade.models.parts.pixel_tokens import PixelTokens
from saccade.models.sparse_attn_net import SparseAttnNet


def random_pixels(
    classes: tuple[str, ...],
    *,
    channels: int = 3,
    budget: int = 614,
    seed: int = 0,
    width: int = 64,
    frequencies: int = 4,
    token_layers: int = 1,
    attention_layers: int = 2,
    heads: int = 4,
) -> SparseAttnNet:
    """SparseAttnNet without a look: pixels drawn uniformly, anew at each training step.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Pixels to read.
        seed: Of the one draw that evaluation uses.
        width: Numbers in a token.
        frequencies: Octaves of position features.
        token_layers: Hidden layers of the embedding.
        attention_layers: CLS-only rounds.
        heads: Attention heads.
    """
    return SparseAttnNet(
        classes,
        channels,
        look=NoLook(),
        select=RandomPixels(budget, seed),
        read=PixelTokens(channels, width, frequencies, token_layers),
        aggregate=ClsRounds(width, heads, attention_layers),
        width=width,
        distillation=None,
    )


def intensity_pixels(
    classes: tuple[str, ...],
    *,
    channels: int = 3,
    budget: int = 614,
    order: Literal["darkest", "brightest"] = "darkest",
    width: int = 64,
    frequencies: int = 4,
    token_layers: int = 1,
    attention_layers: int = 2,
    heads: int = 4,
) -> SparseAttnNet:
    """SparseAttnNet with the darkest (or brightest) pixels: a look that had nothing to learn.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Pixels to read.
        order: Which end of the intensities to take.
        width: Numbers in a token.
        frequencies: Octaves of position features.
        token_layers: Hidden layers of the embedding.
        attention_layers: CLS-only rounds.
        heads: Attention heads.
    """
    return SparseAttnNet(
        classes,
        channels,
        look=IntensityLook(order),
        select=TopPixels(budget, random_share=0.0),
        read=PixelTokens(channels, width, frequencies, token_layers),
        aggregate=ClsRounds(width, heads, attention_layers),
        width=width,
        distillation=None,
    )


def all_pixels(
    classes: tuple[str, ...],
    *,
    channels: int = 3,
    width: int = 64,
    frequencies: int = 4,
    token_layers: int = 1,
    attention_layers: int = 2,
    heads: int = 4,
) -> SparseAttnNet:
    """SparseAttnNet reading every pixel: what selection gives up.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        width: Numbers in a token.
        frequencies: Octaves of position features.
        token_layers: Hidden layers of the embedding.
        attention_layers: CLS-only rounds.
        heads: Attention heads.
    """
    return SparseAttnNet(
        classes,
        channels,
        look=NoLook(),
        select=AllPixels(),
        read=PixelTokens(channels, width, frequencies, token_layers),
        aggregate=ClsRounds(width, heads, attention_layers),
        width=width,
        distillation=None,
    )

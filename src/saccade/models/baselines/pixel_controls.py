"""Controls of SparseAttnNet: the same network, with sites picked at random, by intensity, or all of them.

Source: our own, after METHODS §1: a learned selection counts only by what it adds to these. A control differs in the
selection alone: where tokens hold what the look saw, they hold it here too, and the trunk of the look is trained
through them; only the score is missing, since nothing would ask it.
"""

from typing import Any, Literal

from torch import nn

from saccade.models.parts.fine_attention import Form, fine_attention
from saccade.models.parts.numbers import Count, CountOrZero, Share
from saccade.models.parts.pixel_look import IntensityScore, NoLook, NoScore, NoTrunk, PixelLook, StridedTrunk
from saccade.models.parts.pixel_select import AllPixels, RandomPixels, TopPixels
from saccade.models.parts.pixel_tokens import PixelTokens
from saccade.models.sparse_attn_net import SparseAttnNet


def random_pixels(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 153,
    site: Count = 2,
    seed: CountOrZero = 0,
    look_width: Count = 16,
    look_features: bool = False,
    width: Count = 64,
    frequencies: CountOrZero = 4,
    token_layers: Count = 1,
    attention: Form = "full",
    attention_layers: Count = 2,
    heads: Count = 4,
    dropout: Share = 0.0,
) -> SparseAttnNet:
    """Sites drawn uniformly, anew for each image at each training step.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Sites to read.
        site: Side of a site in pixels.
        seed: Of the one draw that evaluation uses.
        look_width: Channels inside the look, for its features.
        look_features: Whether a token holds what the look saw around its site; without, nothing is looked at.
        width: Numbers in a token.
        frequencies: Octaves of position features.
        token_layers: Hidden layers of the embedding.
        attention: ``full`` or ``rounds``.
        attention_layers: Layers of either.
        heads: Attention heads.
        dropout: Share of what an attention layer adds to a token that is dropped while training.
    """
    reader: dict[str, Any] = {"width": width, "frequencies": frequencies, "token_layers": token_layers}
    return _control(
        classes,
        channels,
        site,
        score=NoScore(site),
        select=RandomPixels(budget, seed),
        look_width=look_width if look_features else 0,
        attention=attention,
        attention_layers=attention_layers,
        heads=heads,
        dropout=dropout,
        **reader,
    )


def intensity_pixels(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 153,
    site: Count = 2,
    order: Literal["darkest", "brightest"] = "darkest",
    look_width: Count = 16,
    look_features: bool = False,
    width: Count = 64,
    frequencies: CountOrZero = 4,
    token_layers: Count = 1,
    attention: Form = "full",
    attention_layers: Count = 2,
    heads: Count = 4,
    dropout: Share = 0.0,
) -> SparseAttnNet:
    """The darkest (or brightest) sites: a score that had nothing to learn.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        budget: Sites to read.
        site: Side of a site in pixels.
        order: Which end of the intensities to take.
        look_width: Channels inside the look, for its features.
        look_features: Whether a token holds what the look saw around its site.
        width: Numbers in a token.
        frequencies: Octaves of position features.
        token_layers: Hidden layers of the embedding.
        attention: ``full`` or ``rounds``.
        attention_layers: Layers of either.
        heads: Attention heads.
        dropout: Share of what an attention layer adds to a token that is dropped while training.
    """
    reader: dict[str, Any] = {"width": width, "frequencies": frequencies, "token_layers": token_layers}
    return _control(
        classes,
        channels,
        site,
        score=IntensityScore(order, site),
        select=TopPixels(budget, random_share=0.0),
        look_width=look_width if look_features else 0,
        attention=attention,
        attention_layers=attention_layers,
        heads=heads,
        dropout=dropout,
        **reader,
    )


def all_pixels(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    site: Count = 2,
    look_width: Count = 16,
    look_features: bool = False,
    width: Count = 64,
    frequencies: CountOrZero = 4,
    token_layers: Count = 1,
    attention: Form = "full",
    attention_layers: Count = 2,
    heads: Count = 4,
    dropout: Share = 0.0,
) -> SparseAttnNet:
    """Every site: what selection gives up.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        site: Side of a site in pixels.
        look_width: Channels inside the look, for its features.
        look_features: Whether a token holds what the look saw around its site; without, nothing is looked at.
        width: Numbers in a token.
        frequencies: Octaves of position features.
        token_layers: Hidden layers of the embedding.
        attention: ``full`` or ``rounds``.
        attention_layers: Layers of either.
        heads: Attention heads.
        dropout: Share of what an attention layer adds to a token that is dropped while training.
    """
    reader: dict[str, Any] = {"width": width, "frequencies": frequencies, "token_layers": token_layers}
    return _control(
        classes,
        channels,
        site,
        score=NoScore(site),
        select=AllPixels(),
        look_width=look_width if look_features else 0,
        attention=attention,
        attention_layers=attention_layers,
        heads=heads,
        dropout=dropout,
        **reader,
    )


def _control(
    classes: tuple[str, ...],
    channels: int,
    site: int,
    *,
    score: nn.Module,
    select: nn.Module,
    look_width: int,
    width: int,
    frequencies: int,
    token_layers: int,
    attention: Form,
    attention_layers: int,
    heads: int,
    dropout: float,
) -> SparseAttnNet:
    """SparseAttnNet with another score and selection; a look of no width sees nothing."""
    trunk = StridedTrunk(channels, look_width) if look_width else None
    blind = NoLook(site) if isinstance(score, NoScore) else PixelLook(NoTrunk(), score, site)
    return SparseAttnNet(
        classes,
        channels,
        look=PixelLook(trunk, score, site) if trunk else blind,
        select=select,
        read=PixelTokens(channels, width, frequencies, token_layers, site, trunk.width if trunk else 0),
        aggregate=fine_attention(attention, width, heads, attention_layers, dropout, row="first"),
        width=width,
        distillation=None,
    )

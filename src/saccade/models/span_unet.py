"""SPAN-UNet: every tissue patch of a slide is given a class, in view of its neighbours near and far.

Paper: Wu et al., "Learning Spatial-Preserving Hierarchical Representations for Digital Pathology", arXiv 2406.09333
(2024; CVPR 2026 Findings).
Authors' code: published, MIT; its levels, widths, tokens and loss are followed, written anew in plain PyTorch.
Changed: all that ``span`` changes. More than two classes, with a logit each, and patches that nobody labelled are ours;
so is the mean of the loss over slides (theirs sees one at a time) and that rare classes are not weighted unless asked
for. A key's bias, which changes nothing, and the last level's tokens, which nobody asks for, are left out.
Not reproduced: the paper's result tables, which rest on features of slides that users must bring themselves.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from saccade.core.bags import Bags
from saccade.core.contract import AnyImages, PatchTargets, SparseSegmenter
from saccade.core.errors import BadInput
from saccade.core.results import Losses, Segmentation
from saccade.models.parts.numbers import Count, Share
from saccade.models.parts.patch_loss import patch_losses
from saccade.models.parts.slide_bags import bag_sites, opened_bags
from saccade.models.parts.span_pyramid import Pyramid, pyramid_of, with_pyramid
from saccade.models.parts.token_refinement import TokenRefinement, TokenSummaries
from saccade.models.parts.unet_levels import Ascent, Descent

_HEAD_WIDTH = 64  # as published: a head for every 64 numbers


class UnetEncoder(nn.Module):
    """From patches to cells and tokens of three levels, each of half the extent and twice the width.

    Args:
        in_features: Numbers of a patch.
        width: Numbers of a cell of the lowest level.
        heads: Attention heads of the lowest level.
        dropout: Share of features and attention weights dropped while training.
    """

    def __init__(self, in_features: int, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.summaries = TokenSummaries(in_features)
        self.cells, self.dropout = nn.Linear(in_features, width, bias=False), nn.Dropout(dropout)
        self.tokens = nn.Linear(in_features, width)
        self.descend = nn.ModuleList(Descent(width << level, width << level + 1) for level in range(2))
        self.refine = nn.ModuleList(TokenRefinement(width << level, heads << level, dropout) for level in range(3))

    def forward(self, features: Float[Tensor, "patch feature"], pyramid: Pyramid) -> list[tuple[Tensor, Tensor]]:
        """Cells and tokens of every level, from the lowest."""
        tokens = self.tokens(self.summaries(features, pyramid.patches))
        cells = self.dropout(pyramid.entered(self.cells(features)))
        found: list[tuple[Tensor, Tensor]] = []
        for level, (refine, stage) in enumerate(zip(self.refine, pyramid.stages, strict=True)):
            if level:
                cells, tokens = self.descend[level - 1](cells, tokens, stage.condensed)
            cells, tokens = refine(cells, tokens, stage)
            found.append((cells, tokens))
        return found


class UnetDecoder(nn.Module):
    """Back to the patches: expand, refine, and put what the encoder had at that level beside it, twice.

    Args:
        width: Numbers of a cell of the lowest level.
        heads: Attention heads of the lowest level.
        dropout: Share of attention weights dropped while training.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.ascend = nn.ModuleList([Ascent(4 * width, 2 * width), Ascent(4 * width, width)])
        self.refine = nn.ModuleList([TokenRefinement(2 * width, 2 * heads, dropout)])
        self.finish = TokenRefinement(width, heads, dropout)

    def forward(self, levels: list[tuple[Tensor, Tensor]], pyramid: Pyramid) -> Float[Tensor, "patch wide"]:
        """Twice the width for every patch."""
        (skip, _), (middle, middle_tokens), (cells, tokens) = levels
        low, between, high = pyramid.stages
        cells, tokens = self.ascend[0](cells, tokens, high.condensed)
        cells, tokens = self.refine[0](cells, tokens, between)
        cells, tokens = torch.cat([cells, middle], dim=1), torch.cat([tokens, middle_tokens], dim=2)
        cells, tokens = self.ascend[1](cells, tokens, between.condensed)
        return torch.cat([self.finish.cells_only(cells, tokens, low), skip], dim=1)[pyramid.patch]


class SpanUnet(SparseSegmenter):
    """A class for every patch. Each patch weighs alike: it is read for its own sake.

    For two classes there is one logit per patch, as published; that of the first class is 0, so that the softmax of
    both is its sigmoid.

    >>> model = span_unet(("normal", "tumour"), in_features=64).eval()
    >>> bags = Bags(torch.rand(3, 64), torch.tensor([[0, 0], [1, 0], [7, 2]]), (3,))
    >>> model(bags).probabilities.shape
    torch.Size([1, 3, 2])

    Args:
        classes: Names of the classes, what is none of the others first.
        in_features: Numbers of a patch.
        encoder: From patches to three levels.
        decoder: And back.
        classify: From patches to logits.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        in_features: int,
        *,
        encoder: UnetEncoder,
        decoder: UnetDecoder,
        classify: nn.Linear,
    ) -> None:
        super().__init__()
        self.classes, self.in_features = tuple(classes), in_features
        self.encoder, self.decoder, self.classify = encoder, decoder, classify

    def preparation(self) -> Callable[[Bags], Bags]:
        """Builds the pyramid of some bags' cells and keeps it beside them."""
        return partial(with_pyramid, compatibility="correct")

    def forward(self, images: AnyImages) -> Segmentation:
        """Segment some slides; they follow each other and never mix."""
        return self._padded(*self._logits(images))

    def losses(self, images: AnyImages, targets: PatchTargets) -> Losses[Segmentation]:
        """0.25 cross-entropy + 0.75 soft Dice.

        Raises:
            BadInput: Not one label for every patch.
        """
        bags, logits = self._logits(images)
        if len(targets.labels) != len(logits):
            message = f"{len(targets.labels)} labels were given for {len(logits)} patches"
            raise BadInput(message, "give one for each, -1 where there is none")
        return Losses(patch_losses(logits, targets, bags.lengths), self._padded(bags, logits))

    def _logits(self, images: AnyImages) -> tuple[Bags, Float[Tensor, "patch class"]]:
        """The bags, and the logits of their patches."""
        bags = opened_bags(images, self.in_features)
        pyramid = pyramid_of(bags, "correct")
        logits = self.classify(self.decoder(self.encoder(bags.features, pyramid), pyramid))
        return bags, torch.cat([torch.zeros_like(logits), logits], dim=1) if len(self.classes) == 2 else logits

    def _padded(self, bags: Bags, logits: Float[Tensor, "patch class"]) -> Segmentation:
        """One row per slide, filled up to the longest."""
        alike = [logits.new_full((length,), 1 / max(1, length)) for length in bags.lengths]
        rows = pad_sequence(list(logits.split(bags.lengths)), batch_first=True)
        return Segmentation(rows, bag_sites(bags, torch.cat(alike)), bags.cost())


def span_unet(
    classes: tuple[str, ...],
    *,
    in_features: Count = 1024,
    width: Count | None = None,
    heads: Count | None = None,
    dropout: Share = 0.05,
) -> SpanUnet:
    """Build the whole model from its parts; the defaults are as published.

    Args:
        classes: Names of the classes, what is none of the others first.
        in_features: Numbers of a patch, as the encoder of patches leaves them.
        width: Numbers of a cell of the lowest level; ``None`` takes half of ``in_features``.
        heads: Attention heads of the lowest level; ``None`` takes one for every 64 of ``width``.
        dropout: Share of features and attention weights dropped while training.

    Raises:
        BadInput: The width cannot be shared among the heads.
    """
    width = max(1, in_features // 2) if width is None else width
    heads = max(1, width // _HEAD_WIDTH) if heads is None else heads
    if width % heads:
        raise BadInput(f"a width of {width} cannot be shared among {heads} heads", "choose a multiple of the heads")
    return SpanUnet(
        classes,
        in_features,
        encoder=UnetEncoder(in_features, width, heads, dropout),
        decoder=UnetDecoder(width, heads, dropout),
        classify=nn.Linear(2 * width, 1 if len(classes) == 2 else len(classes)),
    )

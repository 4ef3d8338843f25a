"""SparseAttnNet: single cells, classified from their most telling pixels.

Paper: Yoshai, Yagoda-Aharoni, Dotan, Shaked, "Hierarchical Sparse Attention Framework for Computationally Efficient
Classification of Biological Cells", arXiv 2505.07661 (2025).
Authors' code: none published; written from the paper's text.
Changed: by default a site is 2×2 pixels; the look works at a quarter of the resolution; its logits bias the scores by
which CLS weighs the sites; a share of the budget is drawn at random; of the last attention layer only what CLS needs is
computed. The published forms are parts that can be passed in, and so is a fine attention in which CLS alone attends,
linear in the sites.
Not reproduced: the paper's result tables, which rest on data that is not public.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.results import Losses, Prediction, Sites
from saccade.imaging.stack import Stack, as_stack
from saccade.models.parts.fine_attention import Attended, Form, Row, fine_attention
from saccade.models.parts.numbers import Count, CountOrZero, Share, Strength
from saccade.models.parts.pixel_look import FullTrunk, Glance, LearnedScore, PixelLook, StridedTrunk, lattice_of
from saccade.models.parts.pixel_select import Budgeted, TopPixels
from saccade.models.parts.pixel_tokens import PixelTokens
from saccade.ops.positions import site_boxes


@dataclass(frozen=True)
class Distillation:
    """How the coarse map learns from the fine attention; the paper leaves the form open.

    The teacher is what the fine attention makes of the pixels read by their content alone, without its graph; the
    student the coarse logits of the same pixels.

    Attributes:
        form: ``kl``: KL(teacher ‖ softmax of the logits). ``bce``: each sigmoid towards teacher / its largest.
        strength: λ, the factor of this term beside the cross-entropy.
    """

    form: Literal["kl", "bce"] = "bce"
    strength: float = 1.0

    def __call__(self, teacher: Float[Tensor, "batch site"], logits: Float[Tensor, "batch site"]) -> Float[Tensor, ""]:
        """The term, already times its strength."""
        teacher = teacher.detach()
        if self.form == "kl":
            term = F.kl_div(logits.log_softmax(-1), teacher, reduction="batchmean")
        else:
            peak = teacher.amax(-1, keepdim=True).clamp_min(torch.finfo(teacher.dtype).tiny)
            term = F.binary_cross_entropy_with_logits(logits, teacher / peak)
        return self.strength * term


class SparseAttnNet(SparseClassifier):
    """A coarse map picks sites, a fine attention reads them, and teaches the map where to pick.

    ``A = sigmoid(look(image))``; the ``budget`` best sites become tokens of ``(x, y, v)``; attention with a CLS token
    weighs them; CLS is classified. Loss: cross-entropy + distillation of the map from the attention.

    Cost: the look's, plus per image about ``sites · width · (9 · width + 2 · sites)`` MAC for each attention layer but
    the last; with CLS-only rounds ``sites · (channels · site² + 4 · heads) · width`` in all.

    >>> import torch
    >>> from saccade.models import create_model
    >>> model = create_model("sparse-attn-net", classes=("lymphocyte", "monocyte"), budget=100).eval()
    >>> prediction = model(torch.rand(2, 3, 64, 64))
    >>> prediction.cost.reads.tolist()
    [100.0, 100.0]

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        look: Scores every site.
        select: Picks sites by score.
        read: Turns picked sites into tokens.
        aggregate: Weighs tokens into a summary of ``width`` numbers.
        width: Numbers in the summary.
        distillation: Teaches the look; ``None`` where it has nothing to learn.
        look_bias: Whether the fine attention starts from what the look thought of each site.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        look: nn.Module,
        select: nn.Module,
        read: PixelTokens,
        aggregate: nn.Module,
        width: int,
        distillation: Distillation | None,
        look_bias: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.channels = tuple(classes), channels
        self.look, self.select, self.read, self.aggregate = look, select, read, aggregate
        self.classify = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(self.classes)))
        self.distillation, self.look_bias = distillation, look_bias

    @property
    def budget(self) -> int | None:
        """Sites the model reads per image; ``None`` where it reads them all."""
        return self.select.budget if isinstance(self.select, Budgeted) else None

    @budget.setter
    def budget(self, value: int) -> None:
        if not isinstance(self.select, Budgeted):
            raise BadInput("this model reads every pixel and has no budget", remedy="use sparse-attn-net")
        self.select.budget = value

    @property
    def site_pixels(self) -> int:
        """Base pixels in a site."""
        return self.read.site**2

    def coarse_map(self, images: AnyImages) -> Float[Tensor, "batch row column"]:
        """``A`` of the paper: how promising each site looks, in (0, 1)."""
        stack = as_stack(images, self.channels)
        return self.look(stack).scores.sigmoid().unflatten(1, lattice_of(stack, self.read.site))

    def forward(self, images: AnyImages) -> Prediction:
        """Classify; sites are pixels or small blocks of them."""
        return self._attend(images)[0]

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy and, where the look learns, ``distillation``."""
        prediction, attended, chosen_scores = self._attend(images)
        terms = {"cross_entropy": targets.cross_entropy(prediction.logits)}
        if self.distillation is not None:
            terms["distillation"] = self.distillation(attended.content, chosen_scores)
        return Losses(terms, prediction)

    def _attend(self, images: AnyImages) -> tuple[Prediction, Attended, Float[Tensor, "batch site"]]:
        stack = as_stack(images, self.channels)
        glance = self.look(stack)
        index, scores = self._picked(stack, glance)
        chosen_scores = scores.gather(1, index)
        attended = self.aggregate(self.read(stack, index, glance), chosen_scores if self.look_bias else None)
        sites = Sites(
            boxes=site_boxes(index, self.read.site, stack.height, stack.width),
            weights=attended.weights.detach(),
            valid=torch.ones_like(index, dtype=torch.bool),
        )
        prediction = Prediction(self.classify(attended.summary), sites, stack.cost())
        return prediction, attended, chosen_scores

    def _picked(
        self, stack: Stack, glance: Glance
    ) -> tuple[Int[Tensor, "batch site"], Float[Tensor, "batch candidate"]]:
        """The sites to read, and the scores that they were picked by."""
        return self.select(glance.scores), glance.scores


def sparse_attn_net(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    budget: Count = 153,
    site: Count = 2,
    look: Literal["strided", "full"] = "strided",
    look_width: Count = 16,
    look_features: bool = False,
    look_bias: bool = True,
    random_share: Share = 0.08,
    width: Count = 64,
    frequencies: CountOrZero = 4,
    token_layers: Count = 1,
    attention: Form = "full",
    attention_layers: Count = 2,
    heads: Count = 4,
    dropout: Share = 0.0,
    row: Row = "first",
    distillation: Literal["kl", "bce"] = "bce",
    distillation_strength: Strength = 1.0,
) -> SparseAttnNet:
    """Build the whole model from its parts.

    As published: ``site=1, look="full", look_bias=False, random_share=0``.

    Args:
        classes: Names of the classes.
        channels: Channels of the images: 1 for optical path difference, 2 for event polarities, 3 for RGB.
        budget: Sites to read; 153 of 2×2 pixels are 15 % of 64×64. Training moves it.
        site: Side of a site in pixels: 1 as published, 2 or 4 (our variant).
        look: ``full`` as published, ``strided`` at a quarter of the resolution (our variant, a third of the cost).
        look_width: Channels inside the look (our choice).
        look_features: Whether a token also holds what the look saw around its site (our variant).
        look_bias: Whether a site's coarse logit is added to the scores by which CLS weighs it (our addition). So the
            cross-entropy teaches the look as well, and a weight is what both think of a site. The pixels that were not
            read then speak through these logits; without it and ``look_features``, they say nothing once the sites are
            chosen.
        random_share: Share of the budget drawn at random (our addition).
        width: Numbers in a token (our choice; the paper names none).
        frequencies: Octaves of position features (our choice).
        token_layers: Hidden layers of the embedding (our choice).
        attention: ``full`` as published, ``rounds`` where only CLS attends (our variant, linear in the sites).
        attention_layers: Layers of either (our choice).
        heads: Attention heads (our choice).
        dropout: Share of what an attention layer adds to a token that is dropped while training (our choice).
        row: Whose CLS row weighs the sites and teaches the look, with full attention (our choice).
        distillation: Form of the term that teaches the look (our choice).
        distillation_strength: Its factor λ (our choice).
    """
    trunk = {"strided": StridedTrunk, "full": FullTrunk}[look](channels, look_width)
    return SparseAttnNet(
        classes,
        channels,
        look=PixelLook(trunk, LearnedScore(trunk, site), site),
        select=TopPixels(budget, random_share),
        read=PixelTokens(channels, width, frequencies, token_layers, site, trunk.width if look_features else 0),
        aggregate=fine_attention(attention, width, heads, attention_layers, dropout, row),
        width=width,
        distillation=Distillation(distillation, distillation_strength),
        look_bias=look_bias,
    )

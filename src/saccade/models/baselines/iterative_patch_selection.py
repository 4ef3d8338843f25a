"""Iterative patch selection: every patch is scored without a graph, the best are kept, and they alone are learned from.

Paper: Bergner, Lippert, Mahendran, "Iterative Patch Selection for High-Resolution Image Recognition", ICLR 2023.
Authors' code: not consulted; written from the paper's description.
As described: patches pass in chunks through the encoder without gradient; a buffer holds the ``keep`` of highest
attention among itself and the chunk, scored by the cross-attention that will aggregate them; these are encoded once
more with gradient, and a learned query attends to them; memory is set by buffer and chunk, not by the image.
Open, our choice: attention is averaged over heads before patches are compared; patches tile the image without overlap,
in raster order, the last ones moved inside; no position is encoded; the encoder is attention sampling's reader, so that
the two differ in how patches are chosen; one block of cross-attention with pre-norm and a hidden layer twice as wide.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.contract import AnyImages, ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Sites
from saccade.models.parts.field_images import equal_groups, opened, taken
from saccade.models.parts.numbers import Count
from saccade.models.parts.patch_reader import PatchReader


class CrossAttentionPool(nn.Module):
    """One learned query attends to a set of features, then a small network: set in, summary out.

    Args:
        width: Numbers in a feature.
        heads: Attention heads.

    Raises:
        BadInput: The heads do not divide the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise BadInput(f"{heads} heads cannot share a width of {width}", "choose a multiple")
        self.heads = heads
        self.query = nn.Parameter(torch.randn(width) / width**0.5)
        self.norm = nn.LayerNorm(width)
        self.ask, self.key = nn.Linear(width, width), nn.Linear(width, width, bias=False)  # a bias moves all alike
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.hidden = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def attention(self, features: Float[Tensor, "batch site width"]) -> Float[Tensor, "batch head site"]:
        """How much each head attends to each feature; a head's weights sum to one."""
        asked = rearrange(self.ask(self.query), "(head part) -> head part", head=self.heads)
        keys = self._by_head(self.key(self.norm(features)))
        return (torch.einsum("bhsp,hp->bhs", keys, asked) / asked.shape[1] ** 0.5).softmax(-1)

    def forward(
        self, features: Float[Tensor, "batch site width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch site"]]:
        """The summary, and the attention averaged over the heads."""
        attention = self.attention(features)
        values = self._by_head(self.value(self.norm(features)))
        seen = torch.einsum("bhs,bhsp->bhp", attention, values).flatten(1)
        summary = self.query + self.out(seen)
        return summary + self.hidden(summary), attention.mean(1)

    def _by_head(self, values: Float[Tensor, "batch site width"]) -> Float[Tensor, "batch head site part"]:
        return rearrange(values, "batch site (head part) -> batch head site part", head=self.heads)


@dataclass(frozen=True, eq=False)
class Buffer:
    """The patches kept so far: their number among the candidates, their pixels, and their features without a graph."""

    index: Int[Tensor, "batch kept"]
    patches: Float[Tensor, "batch kept channel size size"]
    features: Float[Tensor, "batch kept width"]

    def beside(self, other: "Buffer") -> "Buffer":
        """Both together."""
        pairs = ((self.index, other.index), (self.patches, other.patches), (self.features, other.features))
        return Buffer(*(torch.cat(pair, dim=1) for pair in pairs))

    def keep(self, scores: Float[Tensor, "batch kept"], count: int) -> "Buffer":
        """The best, in raster order."""
        rows = torch.arange(len(scores), device=scores.device)[:, None]
        best = scores.topk(min(count, scores.shape[1]), dim=1).indices.sort(dim=1).values
        return Buffer(*(each[rows, best] for each in (self.index, self.patches, self.features)))


class IterativePatchSelection(SparseClassifier):
    """Reads every patch, learns from the best: sites are all patches, and those not kept weigh nothing.

    From scratch it depends on its start: patches that an untrained attention does not keep are not learned from.
    Cost: the reader's over every pixel once, and while training over the patches kept once more.
    Memory: ``keep + chunk`` patches, whatever the image's size.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        read: Turns patches into features of ``width`` numbers.
        aggregate: Scores and pools features.
        width: Numbers in a feature.
        patch: Side of a patch in base pixels.
        keep: Patches in the buffer.
        chunk: Patches scored at once.
    """

    def __init__(
        self,
        classes: tuple[str, ...],
        channels: int,
        *,
        read: PatchReader,
        aggregate: CrossAttentionPool,
        width: int,
        patch: int,
        keep: int,
        chunk: int,
    ) -> None:
        super().__init__()
        self.classes, self.channels = tuple(classes), channels
        self.read, self.aggregate = read, aggregate
        self.classify = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, len(self.classes)))
        self.width, self.patch, self.keep, self.chunk = width, patch, keep, chunk

    @property
    def site_pixels(self) -> int:
        """Base pixels in a patch."""
        return self.patch**2

    def forward(self, images: AnyImages) -> Prediction:
        """Classify from the patches kept."""
        images = opened(images, self.channels)
        groups = equal_groups(images.extents)
        parts = [self._classified(taken(images, group)) for group in groups]
        return Prediction.concatenate(parts)[torch.cat(groups).argsort()]

    def losses(self, images: AnyImages, targets: ClassTargets) -> Losses:
        """Cross-entropy."""
        prediction = self(images)
        return Losses({"cross_entropy": targets.cross_entropy(prediction.logits)}, prediction)

    def _classified(self, images: Images) -> Prediction:
        """Of images of one size."""
        height, width = images.extents[0].tolist()
        boxes = tiling(height, width, self.patch).to(images.extents.device)
        kept = self._kept(images, boxes)
        features = self._features(kept.patches) if torch.is_grad_enabled() else kept.features
        summary, attention = self.aggregate(features)
        weights = attention.new_zeros(len(images), len(boxes)).scatter(1, kept.index, attention.detach())
        everywhere = boxes.float().expand(len(images), -1, -1)
        sites = Sites(everywhere, weights, torch.ones_like(weights, dtype=torch.bool))
        return Prediction(self.classify(summary), sites, images.cost())

    @torch.no_grad()
    def _kept(self, images: Images, boxes: Int[Tensor, "candidate 4"]) -> Buffer:
        """The patches of highest attention, found chunk by chunk."""
        buffer: Buffer | None = None
        for index in torch.arange(len(boxes), device=boxes.device).split(self.chunk):
            patches = images.read(boxes[index].expand(len(images), -1, -1), self.patch)
            fresh = Buffer(index.expand(len(images), -1), patches, self._features(patches))
            buffer = fresh if buffer is None else buffer.beside(fresh)
            buffer = buffer.keep(self.aggregate.attention(buffer.features).mean(1), self.keep)
        assert buffer is not None
        return buffer

    def _features(self, patches: Float[Tensor, "batch site channel size size"]) -> Float[Tensor, "batch site width"]:
        """Of length √width: the reader's unit vectors would leave the attention flat."""
        return self.read(patches.flatten(0, 1)).unflatten(0, patches.shape[:2]) * self.width**0.5


def tiling(height: int, width: int, patch: int) -> Int[Tensor, "candidate 4"]:
    """Boxes that cover an image, raster order; the last of a row or column ends with the image and may overlap.

    An image smaller than a patch gets one around its middle.

    >>> tiling(4, 10, 4)[:, 0].tolist()
    [0, 4, 6]
    """
    tops, lefts = (_starts(length, patch) for length in (height, width))
    corners = torch.cartesian_prod(torch.tensor(tops), torch.tensor(lefts)).flip(1)
    return torch.cat([corners, corners + patch], dim=1)


def _starts(length: int, patch: int) -> list[int]:
    if length <= patch:
        return [(length - patch) // 2]
    return [min(start, length - patch) for start in range(0, length, patch)]


def iterative_patch_selection(
    classes: tuple[str, ...],
    *,
    channels: Count = 3,
    keep: Count = 20,
    chunk: Count = 64,
    patch: Count = 50,
    read_width: Count = 16,
    read_layers: Count = 4,
    width: Count = 32,
    heads: Count = 4,
) -> IterativePatchSelection:
    """Build it around attention sampling's reader.

    Args:
        classes: Names of the classes.
        channels: Channels of the images.
        keep: Patches that decide; M of the paper.
        chunk: Patches scored at once; I of the paper. Changes time and memory, and with several heads, slightly, which
            patches are kept.
        patch: Side of a patch in base pixels.
        read_width: Channels of the reader.
        read_layers: Convolutions of the reader.
        width: Numbers in a feature.
        heads: Attention heads.
    """
    return IterativePatchSelection(
        classes,
        channels,
        read=PatchReader(channels, read_width, read_layers, width),
        aggregate=CrossAttentionPool(width, heads),
        width=width,
        patch=patch,
        keep=keep,
        chunk=chunk,
    )

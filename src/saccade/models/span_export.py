"""SPAN as a graph: a slide's features and the tensors of its index go in, logits and weights come out.

Export with ``torch.export.export(exportable(model), exported_inputs(bags), dynamic_shapes=DYNAMIC_SHAPES)``, and call
what comes of it with ``program.module()(*exported_inputs(other_bags))``.

The graph serves slides with any number of patches, one at a time. It computes all blocks at once, head by head, and so
wants more memory than the model: some 5 KB a patch and head at 64 numbers. The index is made outside of it, by
``exported_inputs``: sorting cells is no part of the network.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.export import Dim

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.models.parts.condensations import Depthwise
from saccade.models.parts.refinement import Refinement
from saccade.models.parts.slide_tensors import SlideTensors, slide_tensors
from saccade.models.parts.span_encoder import Entrance, SpanEncoder
from saccade.models.parts.span_pyramid import pyramid_of
from saccade.models.span import Span
from saccade.ops.union_index import KEYS
from saccade.ops.union_windows import position_bias


def exportable(model: Span) -> "ExportableSpan":
    """The model as a module of tensors, in evaluation; it shares the model's weights.

    Raises:
        BadInput: The model is an ablation, condenses in another way or has the release's faults.
    """
    return ExportableSpan(model).eval()


def exported_inputs(bags: Bags) -> tuple[Tensor, ...]:
    """What the module takes for a slide: its features, then the tensors of its index.

    Raises:
        BadInput: There are several slides, or one without tissue.
    """
    return (bags.features, *slide_tensors(pyramid_of(bags)))


def _dynamic_shapes() -> tuple[tuple[dict[int, Dim], ...]]:
    """Which extents of the module's inputs may be any."""
    patch, cell, large = (Dim(name, min=2) for name in ("patch", "cell", "large_cell"))
    blocks = (Dim("block", min=2), Dim("block_1", min=2))
    first, second = ((block, block, block) for block in blocks)
    sizes = (patch, patch, *first, patch, patch, patch, cell, *second, cell, cell, cell, large)
    return (tuple({0: size} for size in sizes),)


DYNAMIC_SHAPES = _dynamic_shapes()
"""For ``torch.export.export``: numbers of patches, cells and blocks are free, from 2 up."""


class ExportableSpan(nn.Module):
    """The plain form of SPAN for one slide.

    Args:
        model: Whose weights it uses.
    """

    def __init__(self, model: Span) -> None:
        super().__init__()
        encoder = model.aggregate
        plain = isinstance(encoder, SpanEncoder) and all(isinstance(step, Depthwise) for step in encoder.enter[1:])
        if not plain or model.compatibility != "correct":
            raise BadInput("this variant of SPAN is not exported", "export the default geometry and condensation")
        assert isinstance(encoder, SpanEncoder)
        self.encoder, self.classify = encoder, model.classify

    def forward(self, *tensors: Tensor) -> tuple[Float[Tensor, "1 class"], Float[Tensor, " patch"]]:
        """Logits of the slide and the weight of each patch.

        Args:
            *tensors: The features, then those of ``SlideTensors``.
        """
        features, index = tensors[0], SlideTensors(*tensors[1:])
        windows = (index[1:5], index[8:12])
        condensed = (index[5:8], index[12:15])
        entrance = self.encoder.enter[0]
        assert isinstance(entrance, Entrance)
        cells = torch.empty_like(entrance.cells(features)).index_copy(0, index.patch, entrance.cells(features))
        token, tokens, found = entrance.token(self.encoder.token), [], []
        for number, layer in enumerate(self.encoder.refine):
            assert isinstance(layer, Refinement)
            if number:
                step = self.encoder.enter[number]
                assert isinstance(step, Depthwise)
                cells, token = _condensed(step, cells, *condensed[number - 1]), step.token_norm(token)
            normed, own = layer.norm(cells), layer.norm(token)
            asked, weights = _asked(layer, normed, own)
            if number < len(windows):
                mixed = _attended(layer, normed, *windows[number]) + layer.global_value(own)
                cells = _finished(layer, cells, mixed)
            token = _finished(layer, token, asked)
            tokens.append(token)
            found.append(weights)
        return self.classify(torch.stack(tokens, dim=1)), _spread(found, condensed, index.patch)


def _finished(layer: Refinement, before: Tensor, mixed: Tensor) -> Tensor:
    """Projection and feed-forward, each added to what was there."""
    after = before + layer.out(mixed)
    return after + layer.feed_forward(layer.feed_forward_norm(after))


def _asked(layer: Refinement, cells: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
    """What the token learns from all cells and itself, and how much each cell counted."""
    inputs = torch.cat([cells, token])
    shape = (layer.heads, -1, cells.shape[1])
    query = layer.global_query(token).view(layer.heads, 1, -1)
    asks = (query @ layer.global_key.weight.view(shape))[:, 0] / query.shape[2] ** 0.5
    weights = (asks @ inputs.T).softmax(1)
    mixed = weights @ inputs  # (head, width)
    value = (layer.global_value.weight.view(shape) @ mixed[:, :, None]).flatten()
    return (value + layer.global_value.bias)[None], weights[:, :-1].mean(0)


def _attended(
    layer: Refinement,
    cells: Tensor,
    tokens: Int[Tensor, "block 9"],
    neighbours: Int[Tensor, "block 7"],
    parity: Int[Tensor, " block"],
    place: Int[Tensor, " cell"],
) -> Tensor:
    """What all cells learn from their neighbours."""
    keys = tokens[neighbours.clamp_min(0)].masked_fill((neighbours < 0)[:, :, None], -1).view(-1, KEYS)
    hide = torch.zeros_like(keys, dtype=cells.dtype).masked_fill(keys < 0, torch.finfo(cells.dtype).min)
    own, keys, bias, found = tokens.clamp_min(0), keys.clamp_min(0), position_bias(layer.table), []
    query, key, value = (part(cells).chunk(layer.heads, dim=1) for part in (layer.query, layer.key, layer.value))
    for head in range(layer.heads):
        scores = query[head][own] @ key[head][keys].transpose(1, 2) / query[head].shape[1] ** 0.5
        weights = (scores + bias[:, head][parity] + hide[:, None]).softmax(-1)
        found.append((weights @ value[head][keys]).flatten(0, 1)[place])
    return torch.cat(found, dim=1)


def _condensed(step: Depthwise, cells: Tensor, parent: Tensor, slot: Tensor, counts: Tensor) -> Tensor:
    shares = step.norm(cells) * step.weight.flatten(1).T[slot]
    total = shares.new_zeros(counts.shape[0], shares.shape[1]).index_add(0, parent, shares)
    return total / counts[:, None]


def _spread(weights: list[Tensor], condensed: tuple[tuple[Tensor, ...], ...], patch: Tensor) -> Tensor:
    """Weights of all stages carried down to the patches, one in all."""
    total = weights[-1]
    for own, (parent, _, counts) in zip(reversed(weights[:-1]), reversed(condensed), strict=True):
        total = own + (total / counts)[parent]
    total = total[patch]
    return total / total.sum()

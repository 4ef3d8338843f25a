"""The attention of a chunk of blocks, head by head, and its gradient written out.

A head's keys and values are gathered when it is their turn, so that they stay in the cache: 63 rows for a block's 9
queries. Position bias and mask are one look-up, since a pair that does not count has a bias of its own.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saccade.ops.block_chunks import BlockChunk


@dataclass(frozen=True, eq=False)
class Attended:
    """What a chunk's cells found.

    Attributes:
        values: Of each cell and head.
        weights: Of each head's pairs, before any were dropped.
    """

    values: Float[Tensor, "cell head dim"]
    weights: tuple[Float[Tensor, "block query key"], ...]


@dataclass(frozen=True, eq=False)
class BlockAttention:
    """A chunk, its band's keys and values, and who is dropped.

    Attributes:
        chunk: Which blocks.
        band: Keys and values of the band's cells, side by side for each head.
        bias: Of each head's pairs, the last for pairs that do not count.
        edges: Pairs that are kept, and by how much they then count more; ``None`` keeps all.
    """

    chunk: BlockChunk
    band: Float[Tensor, "row head both"]
    bias: Float[Tensor, "head pair"]
    edges: tuple[Bool[Tensor, "head block query key"], float] | None

    def forward(self, query: Float[Tensor, "cell head dim"], keep: bool = False) -> Attended:
        """Attend: the query is already divided by √dim.

        Args:
            query: Of each of the chunk's cells.
            keep: Keep the weights, for the gradient.
        """
        values, weights = torch.empty_like(query), []
        for head in range(query.shape[1]):
            key, value = self._gathered(head)
            scores = torch.bmm(self._asking(query, head), key.transpose(1, 2))
            weight = scores.add_(self.bias[head][self.chunk.pairs]).softmax(-1)
            if self.chunk.lonely is not None:
                weight = weight.masked_fill_(self.chunk.lonely[..., None], 0.0)
            found = torch.bmm(self._dropped(weight, head), value)
            values[:, head] = found.flatten(0, 1)[self.chunk.slots]
            weights += [weight] if keep else []
        return Attended(values, tuple(weights))

    def backward(
        self,
        query: Float[Tensor, "cell head dim"],
        weights: tuple[Float[Tensor, "block query key"], ...],
        grad: Float[Tensor, "cell head dim"],
        band_grad: Float[Tensor, "row head both"],
        bias_grad: Float[Tensor, "head pair"],
    ) -> Float[Tensor, "cell head dim"]:
        """The gradient of the query; those of the band and of the bias are added to what is there."""
        query_grad, chunk = torch.empty_like(query), self.chunk
        for head, weight in enumerate(weights):
            key, value = self._gathered(head)
            asked = self._asking(grad, head).mul_(chunk.present[..., None])
            value_grad = torch.bmm(self._dropped(weight, head).transpose(1, 2), asked)
            share = weight * self._dropped(torch.bmm(asked, value.transpose(1, 2)), head)
            scores = share.sub_(weight * share.sum(-1, keepdim=True))
            query_grad[:, head] = torch.bmm(scores, key).flatten(0, 1)[chunk.slots]
            key_grad = torch.bmm(scores.transpose(1, 2), self._asking(query, head))
            for part, some in zip(band_grad[:, head].chunk(2, dim=1), (key_grad, value_grad), strict=True):
                part.index_add_(0, chunk.keys.flatten(), some.flatten(0, 1))
            self._add_bias(bias_grad[head], scores)
        return query_grad

    def _gathered(self, head: int) -> tuple[Tensor, ...]:
        """Keys and values of each block."""
        keys = self.chunk.keys
        both = self.band[:, head].index_select(0, keys.flatten())
        return both.unflatten(0, keys.shape).chunk(2, dim=-1)

    def _asking(self, rows: Float[Tensor, "cell head dim"], head: int) -> Float[Tensor, "block query dim"]:
        """What the queries of each block are."""
        queries = self.chunk.queries
        return rows[:, head].index_select(0, queries.flatten()).unflatten(0, queries.shape)

    def _add_bias(self, grad: Float[Tensor, " pair"], scores: Float[Tensor, "block query key"]) -> None:
        """Add the gradient of some scores to that of their pairs."""
        if (parity := self.chunk.parity) is None:
            grad.index_add_(0, self.chunk.pairs.flatten(), scores.flatten())
        else:  # whole rows at once; pairs that do not count have none
            grad[:-1].view(4, -1).index_add_(0, parity, scores.flatten(1))

    def _dropped(self, weight: Float[Tensor, "block query key"], head: int) -> Float[Tensor, "block query key"]:
        if self.edges is None:
            return weight
        kept, scale = self.edges
        return weight * kept[head] * scale

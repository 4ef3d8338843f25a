"""What the peers share: slides pooled one by one, put together again, and classified."""

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.models.parts.bag_classifier import (
    BagClassifier,
    Pooled,
    SlidePooling,
    bag_prediction,
    normalised,
    patch_embedding,
    pool_slides,
    summaries,
)

CELLS = torch.tensor([[5, 0], [2, 3], [0, 0], [7, 7]])
BAGS = Bags(torch.arange(8.0).view(4, 2), CELLS, (3, 0, 1))


class Leftmost(SlidePooling):
    """The patch of the least column has all the weight."""

    def forward(self, tokens: Float[Tensor, "patch width"], cells: Int[Tensor, "patch 2"]) -> Pooled:
        chosen = (cells[:, 0] == cells[:, 0].min()).to(tokens) if len(cells) else tokens.new_zeros(0)
        return Pooled(chosen @ tokens, chosen)


def test_each_slide_is_pooled_with_its_own_tokens_and_cells() -> None:
    pools = pool_slides(Leftmost(), BAGS.features, BAGS)
    assert summaries(pools).tolist() == [[4, 5], [0, 0], [6, 7]]
    assert [pooled.weights.tolist() for pooled in pools] == [[0, 0, 1], [], [1]]


def test_every_patch_is_a_site_of_its_slide_and_weights_bear_no_gradient() -> None:
    weights = [torch.tensor([0.5, 0.25, 0.25], requires_grad=True), torch.zeros(0), torch.ones(1)]
    prediction = bag_prediction(torch.zeros(3, 2), weights, BAGS)
    assert prediction.sites.weights.tolist() == [[0.5, 0.25, 0.25], [0, 0, 0], [1, 0, 0]]
    assert not prediction.sites.weights.requires_grad
    assert prediction.sites.boxes[prediction.sites.valid].equal(BAGS.boxes)
    assert prediction.cost.reads.tolist() == [3, 0, 1]


def test_its_three_parts_follow_each_other() -> None:
    torch.manual_seed(0)
    model = BagClassifier(("a", "b"), 2, read=nn.Linear(2, 3), aggregate=Leftmost(), classify=nn.Linear(3, 2))
    targets = ClassTargets(torch.tensor([0, 1, 1]), torch.tensor([1.0, 3.0]))
    losses = model.losses(BAGS, targets)
    wanted = model.classify(torch.stack([model.read(BAGS.features[2]), torch.zeros(3), model.read(BAGS.features[3])]))
    assert torch.allclose(losses.prediction.logits, wanted)
    assert model(BAGS).logits.equal(losses.prediction.logits)
    chances = wanted.log_softmax(1)
    by_hand = -(chances[0, 0] + 3 * chances[1, 1] + 3 * chances[2, 1]) / 3
    assert torch.allclose(losses.terms["cross_entropy"], by_hand)


def test_the_gradient_of_several_slides_is_the_mean_of_that_of_each() -> None:
    torch.manual_seed(0)
    model = BagClassifier(("a", "b"), 2, read=nn.Linear(2, 3), aggregate=Leftmost(), classify=nn.Linear(3, 2)).double()
    bags, labels = Bags(BAGS.features.double(), CELLS, BAGS.lengths), torch.tensor([0, 1, 1])
    parameters = list(model.parameters())
    together = torch.autograd.grad(model.losses(bags, ClassTargets(labels)).total, parameters)
    alone = [
        torch.autograd.grad(model.losses(bags[i], ClassTargets(labels[i : i + 1])).total, parameters) for i in range(3)
    ]
    for number, wanted in enumerate(together):
        assert torch.allclose(sum(each[number] for each in alone) / 3, wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("shares", "weights"),
    [([2.0, 2.0], [0.5, 0.5]), ([-1.0, 4.0], [0, 1]), ([-1.0, -2.0], [0.5, 0.5]), ([0.0], [1]), ([], [])],
)
def test_shares_become_weights(shares: list[float], weights: list[float]) -> None:
    assert normalised(torch.tensor(shares)).tolist() == weights


def test_a_patch_is_embedded_by_a_linear_layer_relu_and_dropout() -> None:
    embedding, given = patch_embedding(4, 100, 0.5), torch.randn(1, 4)
    linear = embedding[0]
    assert isinstance(linear, nn.Linear)
    plain = embedding.eval()(given)
    assert torch.allclose(plain, (given @ linear.weight.T + linear.bias).clamp_min(0))
    dropped = embedding.train()(given)
    assert set((dropped[plain > 0] / plain[plain > 0]).round(decimals=3).tolist()) == {0, 2}

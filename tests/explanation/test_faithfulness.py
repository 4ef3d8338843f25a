"""Faithfulness of a classifier whose probability is known in closed form."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.images import Images
from saccade.core.results import Losses, Prediction, Sites
from saccade.explanation.faithfulness import Curve, faithfulness, mean_height
from saccade.explanation.orders import AtRandom, ByWeight
from saccade.imaging.stack import as_stack
from saccade.models import create_model
from saccade.ops.positions import site_boxes

SIDE, SITES = 8, 10


class Linear(SparseClassifier):
    """Log-odds of the second class are the sum of the image times known gains; its sites are the largest products."""

    def __init__(self, gains: Tensor, honest: bool = True) -> None:
        super().__init__()
        self.classes, self.gains, self.honest = ("no", "yes"), gains, honest
        self.noise = nn.Dropout(0.5)

    def forward(self, images: Images | Tensor) -> Prediction:
        stack = as_stack(images, 1)
        products = (stack.read_whole()[:, 0] * self.gains).flatten(1)
        logits = torch.stack([torch.zeros(len(stack)), self.noise(products).sum(1)], dim=1)
        top = products.topk(SITES, dim=1)
        weights = top.values if self.honest else top.values.flip(1)
        sites = Sites(
            site_boxes(top.indices, 1, SIDE, SIDE),
            weights / weights.sum(1, keepdim=True),
            torch.ones_like(top.indices, dtype=torch.bool),
        )
        return Prediction(logits, sites, stack.cost())

    def losses(self, images: Images | Tensor, targets: ClassTargets) -> Losses:
        raise NotImplementedError


def framed(count: int) -> Tensor:
    """Images with an empty border, so that the fill is zero, and positive values inside."""
    images = torch.zeros(count, 1, SIDE, SIDE)
    images[:, :, 1:-1, 1:-1] = torch.rand(count, 1, SIDE - 2, SIDE - 2) + 0.1
    return images


def test_curves_are_those_of_the_closed_form() -> None:
    images, gains = framed(3), torch.rand(SIDE, SIDE) * 0.3
    measured = faithfulness(Linear(gains).eval(), images, orders={"own": [ByWeight()]}, steps=SITES, batch_size=2)
    curve = measured.curves["own"]
    products = (images[:, 0] * gains).flatten(1).double()
    falling = products.sort(1, descending=True).values[:, :SITES].cumsum(1)
    taken = torch.cat([torch.zeros(3, 1), falling], dim=1)
    np.testing.assert_allclose(curve.fractions, np.arange(SITES + 1) / SIDE**2)
    np.testing.assert_allclose(curve.deletion, (products.sum(1, keepdim=True) - taken).sigmoid(), atol=1e-6)
    np.testing.assert_allclose(curve.insertion, taken.sigmoid(), atol=1e-6)
    assert measured.fill == "the mean of the image's border"


def test_an_honest_order_beats_a_reversed_one_and_chance() -> None:
    images, gains = framed(4), torch.rand(SIDE, SIDE) * 0.5
    orders = {"own": [ByWeight()], "chance": [AtRandom(0), AtRandom(1)]}
    honest = faithfulness(Linear(gains).eval(), images, orders=orders).curves
    lying = faithfulness(Linear(gains, honest=False).eval(), images, orders=orders).curves
    assert (honest["own"].deletion_area < lying["own"].deletion_area).all()
    assert (honest["own"].insertion_area > lying["own"].insertion_area).all()
    assert (honest["own"].deletion_area < honest["chance"].deletion_area).all()


def test_several_orders_of_a_name_are_averaged() -> None:
    model, images = Linear(torch.rand(SIDE, SIDE)).eval(), framed(2)
    curves = faithfulness(
        model, images, orders={"a": [AtRandom(0)], "b": [AtRandom(1)], "both": [AtRandom(0), AtRandom(1)]}
    ).curves
    np.testing.assert_allclose(curves["both"].deletion, (curves["a"].deletion + curves["b"].deletion) / 2)


@pytest.mark.parametrize(("name", "options", "pixels"), [("sparse-attn-net", {"budget": 9}, 36), ("tiny-cnn", {}, 144)])
def test_any_classifier_and_batches_change_nothing(name: str, options: dict[str, int], pixels: int) -> None:
    model = create_model(name, classes=("a", "b", "c"), channels=2, **options).eval()
    images = torch.rand(5, 2, 12, 12)
    together = faithfulness(model, images, steps=3)
    for kept, again in zip(
        together.curves.values(), faithfulness(model, images, steps=3, batch_size=2).curves.values(), strict=True
    ):
        np.testing.assert_allclose(kept.deletion, again.deletion, atol=1e-5)
        np.testing.assert_allclose(kept.deletion[:, 0], model(images).probabilities.amax(1).detach(), atol=1e-5)
    assert together.curves["model's weights"].fractions[-1] == pytest.approx(pixels / 144)


def test_more_steps_than_pixels_are_clipped() -> None:
    model = create_model("sparse-attn-net", classes=("a", "b"), channels=1, budget=3, site=1).eval()
    curve = faithfulness(model, torch.rand(1, 1, 8, 8), orders={"own": [ByWeight()]}).curves["own"]
    assert len(curve.fractions) == 4
    assert curve.deletion.shape == curve.insertion.shape == (1, 4)


def test_area_is_the_mean_height_whatever_the_steps() -> None:
    x = np.array([0.0, 0.01, 0.05, 0.1])
    assert mean_height(x, np.stack([2 * x, np.ones(4)])).tolist() == pytest.approx([0.1, 1])
    assert Curve(x, x[None], 1 - x[None]).insertion_area.tolist() == pytest.approx([0.95])


def test_refuses_what_it_cannot_measure() -> None:
    with pytest.raises(BadInput, match="training mode"):
        faithfulness(Linear(torch.ones(SIDE, SIDE)), framed(1))
    with pytest.raises(BadInput, match="no images"):
        faithfulness(Linear(torch.ones(SIDE, SIDE)).eval(), framed(0))

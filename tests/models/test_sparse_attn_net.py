"""SparseAttnNet as a whole: the paper's facts, and what must not change its answer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.core.contract import ClassTargets
from saccade.models import create_model
from saccade.models.parts.pixel_look import Glance
from saccade.models.sparse_attn_net import Distillation, SparseAttnNet

CLASSES = ("a", "b", "c")


def build(**options: object) -> SparseAttnNet:
    torch.manual_seed(0)
    model = create_model("sparse-attn-net", CLASSES, **options)
    assert isinstance(model, SparseAttnNet)
    return model


@settings(deadline=None, max_examples=25)
@given(height=st.integers(1, 13), width=st.integers(1, 13), budget=st.integers(1, 200))
@pytest.mark.parametrize(("look", "site"), [("strided", 1), ("strided", 2), ("strided", 4), ("full", 1), ("full", 3)])
def test_any_size_and_any_budget_work(look: str, site: int, height: int, width: int, budget: int) -> None:
    prediction = build(look=look, site=site, budget=budget).eval()(torch.rand(2, 3, height, width))
    assert prediction.cost.reads.tolist() == [min(budget, -(-height // site) * -(-width // site))] * 2
    assert prediction.cost.pixels_looked_fraction.tolist() == [1.0, 1.0]
    assert prediction.logits.isfinite().all()


def test_the_sites_are_the_best_pixels_of_the_coarse_map() -> None:
    model, image = build(budget=7, random_share=0.0, site=1).eval(), torch.randn(1, 3, 12, 10)
    coarse = model.coarse_map(image)[0]
    assert ((coarse > 0) & (coarse < 1)).all()
    boxes = model(image).sites.boxes[0].long()
    chosen = coarse[boxes[:, 1], boxes[:, 0]]
    assert chosen.sort().values.equal(coarse.flatten().sort().values[-7:])


@pytest.mark.parametrize("attention", ["rounds", "full"])
@pytest.mark.parametrize("site", [1, 2])
def test_pixels_that_are_not_read_change_nothing_once_chosen(attention: str, site: int) -> None:
    model, image = build(budget=9, attention=attention, site=site).eval(), torch.randn(1, 3, 8, 8)
    boxes = model(image).sites.boxes[0].long()
    model.look = _Fixed(model.coarse_map(image).flatten(1).logit())
    changed = torch.randn(1, 3, 8, 8)
    for x0, y0, x1, y1 in boxes.tolist():
        changed[:, :, y0:y1, x0:x1] = image[:, :, y0:y1, x0:x1]
    assert torch.allclose(model(changed).logits, model(image).logits, atol=1e-5)


class _Fixed(torch.nn.Module):
    def __init__(self, scores: torch.Tensor) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, images: object) -> Glance:
        return Glance(self.scores)


@pytest.mark.parametrize("form", ["kl", "bce"])
def test_distillation_pulls_the_map_to_the_attention(form: str) -> None:
    teacher = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64)
    logits = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([logits], lr=1.0)
    for _ in range(2000):
        optimiser.zero_grad()
        Distillation(form, strength=1.0)(teacher, logits).backward()
        optimiser.step()
    learned = logits.softmax(-1) if form == "kl" else logits.sigmoid()
    target = teacher if form == "kl" else teacher / 0.7
    assert torch.allclose(learned[:, 1:], target[:, 1:], atol=2e-2)


def test_distillation_teaches_the_look_and_nothing_else() -> None:
    model = build(budget=20).train()
    losses = model.losses(torch.randn(4, 3, 12, 12), ClassTargets(torch.tensor([0, 1, 2, 0])))
    losses.terms["distillation"].backward()
    taught = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert taught == {"look"}


@pytest.mark.parametrize("attention", ["rounds", "full"])
@pytest.mark.parametrize("look_bias", [True, False])
def test_the_cross_entropy_teaches_the_look_through_its_bias_alone(attention: str, look_bias: bool) -> None:
    model = build(budget=5, attention=attention, look_bias=look_bias).train()
    losses = model.losses(torch.randn(4, 3, 16, 16), ClassTargets(torch.tensor([0, 1, 2, 0])))
    losses.terms["cross_entropy"].backward()
    assert any(p.grad is not None and bool(p.grad.any()) for p in model.look.parameters()) == look_bias


def test_it_stays_below_a_hundred_thousand_parameters() -> None:
    model = create_model("sparse-attn-net", tuple("abcdefgh"))
    assert sum(p.numel() for p in model.parameters()) <= 100_000


def test_the_published_form_can_be_built() -> None:
    model = build(site=1, look="full", look_bias=False, random_share=0.0, budget=20).eval()
    prediction = model(torch.rand(1, 3, 16, 16))
    assert prediction.cost.pixels_read.tolist() == [20]
    assert model.site_pixels == 1


def test_the_order_of_sites_changes_nothing() -> None:
    model, image = build(budget=30).eval(), torch.randn(1, 3, 8, 8)
    stack_tokens = torch.randn(1, 30, 64)
    order = torch.randperm(30)
    first, second = model.aggregate(stack_tokens), model.aggregate(stack_tokens[:, order])
    assert torch.allclose(first.summary, second.summary, atol=1e-5)
    assert torch.allclose(first.weights[:, order], second.weights, atol=1e-6)
    assert model(image).sites.valid.all()

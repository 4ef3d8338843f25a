"""SparseAttnNet as a whole: the paper's facts, and what must not change its answer."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.core.contract import ClassTargets
from saccade.imaging.stack import as_stack
from saccade.models import create_model
from saccade.models.parts.fine_attention import FullAttention
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
@pytest.mark.parametrize("look_bias", [True, False])
def test_pixels_that_are_not_read_change_nothing_once_chosen_but_by_the_look_bias(
    attention: str, site: int, look_bias: bool
) -> None:
    model = build(budget=9, attention=attention, site=site, look_bias=look_bias).eval()
    image, changed = torch.randn(2, 1, 3, 8, 8)
    expected = model(image)
    for x0, y0, x1, y1 in expected.sites.boxes[0].long().tolist():
        changed[:, :, y0:y1, x0:x1] = image[:, :, y0:y1, x0:x1]
    model.select = _Fixed(model.select(model.look(as_stack(image, 3)).scores))
    assert torch.allclose(model(changed).logits, expected.logits, atol=1e-5) == (not look_bias)


class _Fixed(torch.nn.Module):
    def __init__(self, index: torch.Tensor) -> None:
        super().__init__()
        self.index = index

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        return self.index


def test_distillation_settles_where_the_look_says_what_the_content_says() -> None:
    """Were the teacher to hold the look's own logits, it would sharpen them for ever."""
    torch.manual_seed(0)
    attention, tokens = FullAttention(8, 2, 2).double(), torch.randn(1, 6, 8, dtype=torch.float64)
    logits = torch.zeros(1, 6, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.01)
    for _ in range(2000):
        optimiser.zero_grad()
        Distillation("kl", strength=1.0)(attention(tokens, logits).content, logits).backward()
        optimiser.step()
    assert torch.allclose(logits.softmax(-1), attention(tokens).weights, atol=1e-3)


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
    assert model.site_pixels == 1 and not model.look_bias


def test_the_order_of_sites_changes_nothing() -> None:
    model, image = build(budget=30).eval(), torch.randn(1, 3, 8, 8)
    stack_tokens = torch.randn(1, 30, 64)
    order = torch.randperm(30)
    first, second = model.aggregate(stack_tokens), model.aggregate(stack_tokens[:, order])
    assert torch.allclose(first.summary, second.summary, atol=1e-5)
    assert torch.allclose(first.weights[:, order], second.weights, atol=1e-6)
    assert model(image).sites.valid.all()

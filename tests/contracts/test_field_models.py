"""What every registered model of fields must hold to. A model joins by being registered; no test is written for it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.evaluation.cost import count_flops
from saccade.imaging.rasters import Rasters
from saccade.imaging.stack import Stack
from saccade.models import MODELS, create_model, options_of
from tests.models.miniature_fields import SIZES, fields

CLASSES = ("a", "b", "c")
SMALL: dict[str, Any] = {"budget": 3, "patch": 16, "factor": 5, "keep": 4, "chunk": 3, "band": 7}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "attention-sampling, distinct": ("attention-sampling", {"estimator": "distinct"}),
    "attention-front-end, weight": ("attention-front-end", {"fuse": "weight"}),
    "attention-front-end, vote": ("attention-front-end", {"fuse": "vote"}),
    "attention-front-end, frozen": ("attention-front-end", {"entropy": None}),
}
"""Models whose options change how they select or aggregate; they hold to the same."""

KINDS = {**{name: (name, {}) for name in MODELS.names("field")}, **VARIANTS}

BLIND = ("uniform-patches", "oracle-patches", "full-image-cnn", "iterative-patch-selection")
"""What asks for no overview."""

READS_NOTHING = ("downscaled-cnn",)

LEARNT_FROM = ((70, 90), (64, 64), (55, 83))
"""Sizes of a training batch: of several, and none too small for a batch norm."""


@pytest.fixture(params=KINDS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def build(name: str, channels: int = 3) -> SparseClassifier:
    torch.manual_seed(0)
    registered, options = KINDS[name]
    wanted = {"channels": channels, **SMALL, **options}
    return create_model(registered, CLASSES, **{k: v for k, v in wanted.items() if k in options_of(registered)})


def build_budgeted(name: str) -> SparseClassifier:
    """Built, if it has a budget."""
    model = build(name)
    if model.budget is None:
        pytest.skip("has no budget")
    return model


def is_frozen(name: str) -> bool:
    return KINDS[name][1].get("entropy", 0) is None


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_number_of_channels_gives_one_logit_per_class(name: str, channels: int) -> None:
    if name == "stain-patches" and channels != 3:
        pytest.skip("knows stains in colour images alone")
    prediction = build(name, channels).eval()(fields(channels=channels))
    assert prediction.logits.shape == (3, 3)
    assert prediction.logits.isfinite().all()


def test_weights_are_a_distribution_over_sites_inside_the_image(name: str) -> None:
    sites = build(name).eval()(fields()).sites
    assert (sites.weights >= 0).all()
    assert torch.allclose((sites.weights * sites.valid).sum(1), torch.ones(3), atol=1e-5)
    centres = (sites.boxes[..., :2] + sites.boxes[..., 2:]) / 2
    limits = torch.tensor(SIZES).flip(1)[:, None]
    assert ((centres >= 0) & (centres < limits))[sites.valid].all()


def test_evaluation_is_deterministic(name: str) -> None:
    model = build(name).eval()
    first, second = model(fields()), model(fields())
    assert first.logits.equal(second.logits)
    assert first.sites.boxes.equal(second.sites.boxes)


def test_neighbours_in_the_batch_and_their_size_change_nothing(name: str) -> None:
    model, images = build(name).eval(), fields()
    together = model(images)
    for row in range(len(SIZES)):
        alone = model(images.take(torch.tensor([row])))
        assert torch.allclose(alone.logits[0], together.logits[row], atol=1e-5)
        boxes = together.sites.boxes[row][together.sites.valid[row]]
        assert boxes.equal(alone.sites.boxes[0][alone.sites.valid[0]])
        for count in ("pixels_total", "pixels_looked", "pixels_read", "pixels_decoded", "reads"):
            assert getattr(alone.cost, count)[0] == getattr(together.cost, count)[row]


@pytest.mark.parametrize("extents", [SIZES, ((9, 11),), ((1, 1),), ((3, 200), (200, 3))])
def test_the_cost_is_what_the_meter_says(name: str, extents: tuple[tuple[int, int], ...]) -> None:
    images = fields(extents)
    model = build(name).eval()
    model(images)
    prediction = model(images)  # the second call is not charged for the first
    cost, sites, sides = prediction.cost, prediction.sites, torch.tensor(extents)
    assert prediction.logits.isfinite().all()
    assert cost.pixels_total.tolist() == sides.prod(1).tolist()
    assert (cost.pixels_decoded == cost.pixels_total).all()
    looked = (-(-sides // SMALL["factor"])).prod(1).tolist()
    assert cost.pixels_looked.tolist() == ([0] * len(extents) if name in BLIND else looked)
    read = (sites.boxes[..., 2:] - sites.boxes[..., :2]).prod(-1) * sites.valid
    nothing = [0] * len(extents)
    assert cost.pixels_read.tolist() == (nothing if name in READS_NOTHING else read.sum(1).tolist())
    assert cost.reads.tolist() == (nothing if name in READS_NOTHING else sites.valid.sum(1).tolist())


def test_any_storage_gives_the_same_answer(name: str) -> None:
    """A bare tensor is taken for a stack; rasters hold the same values in another way."""
    if name == "oracle-patches":
        pytest.skip("needs to be told where the truth lies")
    model, images = build(name).eval(), fields(((60, 70), (60, 70)), boxes=False)
    values = images.normalise(torch.stack([images.store.image(row) for row in range(2)]).permute(0, 3, 1, 2))
    bare = model(values)
    assert bare.logits.equal(model(Stack(values)).logits)
    rasters = model(images)
    assert rasters.sites.boxes.equal(bare.sites.boxes)
    assert torch.allclose(rasters.logits, bare.logits, atol=1e-4)


def test_losses_come_with_the_prediction_and_reach_every_parameter(name: str) -> None:
    model = build(name).train()
    losses = model.losses(fields(LEARNT_FROM), ClassTargets(torch.tensor([0, 1, 2])))
    losses.total.backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert losses.prediction.logits.shape == (3, 3)


def test_the_look_learns_unless_it_is_frozen(name: str) -> None:
    model = build(name).train()
    parameters = list(model.look.parameters()) if hasattr(model, "look") else []
    if not parameters:
        pytest.skip("has no look that could learn")
    model.losses(fields(LEARNT_FROM), ClassTargets(torch.tensor([0, 1, 2]))).total.backward()
    assert any(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in parameters) == (not is_frozen(name))


def test_the_budget_is_how_many_sites_are_read(name: str) -> None:
    model = build_budgeted(name).eval()
    assert model.budget == SMALL["budget"]
    model.budget = 2
    assert model(fields()).cost.reads.tolist() == [2] * 3
    assert model.site_pixels == SMALL["patch"] ** 2
    with pytest.raises(BadInput, match="budget"):
        model.budget = 0


def test_state_survives_saving_and_loading(name: str, tmp_path: Path) -> None:
    model = build(name).eval()
    if model.budget is not None:
        model.budget = 2
    torch.save(model.state_dict(), tmp_path / "state.pt")
    twin = create_model(model.config["model"], tuple(model.config["classes"]), **model.config["options"]).eval()
    twin.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert twin.budget == model.budget
    assert twin(fields()).logits.equal(model(fields()).logits)


def test_flops_can_be_counted(name: str) -> None:
    assert count_flops(build(name), fields().take(torch.tensor([0]))) > 0


def refusal(model: SparseClassifier, images: Rasters | torch.Tensor) -> str:
    with pytest.raises(BadInput, match="channels") as refused:
        model(images)
    return str(refused.value)


def test_wrong_channels_are_one_line(name: str) -> None:
    model = build(name).eval()
    assert "\n" not in refusal(model, fields(channels=4))
    assert "\n" not in refusal(model, torch.zeros(2, 2, 60, 70))


@pytest.mark.parametrize("name", MODELS.names("field"))
def test_its_entry_says_where_it_comes_from(name: str) -> None:
    entry = MODELS[name]
    assert entry.summary
    assert entry.paper
    assert entry.licence

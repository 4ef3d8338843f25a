"""What every registered model must hold to. A model joins by being registered; no test is written for it."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack
from saccade.models import MODELS, create_model, options_of

CLASSES = ("a", "b", "c")
CELL_MODELS = MODELS.names("cell")


def build(name: str, channels: int = 3, size: int = 16, budget: int = 40) -> SparseClassifier:
    torch.manual_seed(0)
    wanted = {"channels": channels, "size": size, "budget": budget}
    return create_model(name, CLASSES, **{k: v for k, v in wanted.items() if k in options_of(name)})


def cells(count: int = 3, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=CELL_MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_number_of_channels_gives_one_logit_per_class(name: str, channels: int) -> None:
    prediction = build(name, channels).eval()(cells(channels=channels))
    assert prediction.logits.shape == (3, 3)
    assert prediction.logits.isfinite().all()


def test_weights_are_a_distribution_over_sites_inside_the_image(name: str) -> None:
    sites = build(name).eval()(cells()).sites
    assert (sites.weights >= 0).all()
    assert torch.allclose((sites.weights * sites.valid).sum(1), torch.ones(3), atol=1e-5)
    centres = (sites.boxes[..., :2] + sites.boxes[..., 2:]) / 2
    assert ((centres > 0) & (centres < 16)).all()


def test_evaluation_is_deterministic(name: str) -> None:
    model = build(name).eval()
    first, second = model(cells()), model(cells())
    assert first.logits.equal(second.logits)
    assert first.sites.boxes.equal(second.sites.boxes)


def test_neighbours_in_the_batch_change_nothing(name: str) -> None:
    model, images = build(name).eval(), cells()
    together = model(images)
    for i in range(len(images)):
        alone = model(images[i : i + 1])
        assert torch.allclose(alone.logits[0], together.logits[i], atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 18), (17, 7), (3, 3), (1, 1), (1, 9)])
@pytest.mark.parametrize("budget", [5, 10_000])
def test_the_cost_is_what_the_meter_says_and_no_pixel_is_read_twice(
    name: str, height: int, width: int, budget: int
) -> None:
    if "size" in options_of(name) and (height, width) != (16, 16):
        pytest.skip("built for images of one size")
    images = Stack(cells(height=height, width=width))
    prediction = build(name, budget=budget).eval()(images)
    cost, sites = prediction.cost, prediction.sites
    sides = sites.boxes[..., 2:] - sites.boxes[..., :2]
    read = (sides.prod(-1) * sites.valid).sum(1)
    assert prediction.logits.isfinite().all()
    assert cost.pixels_total.tolist() == [height * width] * 3
    assert cost.pixels_read.tolist() == read.tolist()
    assert (cost.pixels_read_fraction <= 1).all()
    assert cost.reads.tolist() == sites.valid.sum(1).tolist()


def test_a_bare_tensor_is_taken_for_a_stack(name: str) -> None:
    model = build(name).eval()
    assert model(cells()).logits.equal(model(Stack(cells())).logits)


def test_losses_come_with_the_prediction_and_reach_every_parameter(name: str) -> None:
    model = build(name).train()
    losses = model.losses(cells(4), ClassTargets(torch.tensor([0, 1, 2, 0])))
    losses.total.backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert losses.prediction.logits.shape == (4, 3)


def test_the_look_learns_where_it_can(name: str) -> None:
    model = build(name).train()
    parameters = list(model.look.parameters()) if hasattr(model, "look") else []
    if not parameters:
        pytest.skip("has no look that could learn")
    model.losses(cells(4), ClassTargets(torch.tensor([0, 1, 2, 0]))).total.backward()
    assert any(float(p.grad.abs().sum()) > 0 for p in parameters if p.grad is not None)


def test_state_survives_saving_and_loading(name: str, tmp_path: Path) -> None:
    model = build(name).eval()
    if model.budget is not None:
        model.budget = 17
    torch.save(model.state_dict(), tmp_path / "state.pt")
    twin = create_model(model.config["model"], tuple(model.config["classes"]), **model.config["options"]).eval()
    twin.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert twin.budget == model.budget
    assert twin(cells()).logits.equal(model(cells()).logits)


def test_the_budget_is_how_many_sites_are_read(name: str) -> None:
    model = build(name).eval()
    if model.budget is None:
        assert "budget" not in options_of(name)
        return
    model.budget = 5
    assert model(cells()).cost.reads.tolist() == [5] * 3
    model.budget = 10_000
    assert model(cells()).cost.pixels_read_fraction.tolist() == [1.0] * 3
    with pytest.raises(BadInput, match="budget"):
        model.budget = 0


def test_wrong_channels_are_one_line(name: str) -> None:
    with pytest.raises(BadInput, match="channels") as refused:
        build(name).eval()(cells(channels=4))
    assert "\n" not in str(refused.value)


def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="no option"):
        create_model(name, CLASSES, colour="red")


def test_its_entry_says_where_it_comes_from(name: str) -> None:
    entry = MODELS[name]
    assert entry.summary
    assert entry.paper
    assert entry.licence

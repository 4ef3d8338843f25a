"""What every registered model of fields must hold to. A model joins by being registered; no test is written for it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.evaluation.cost import count_flops
from saccade.imaging.rasters import PixelStore, Rasters
from saccade.imaging.stack import Stack
from saccade.models import MODELS, create_model, options_of

CLASSES = ("a", "b", "c")
EXTENTS = ((70, 90), (64, 64), (55, 83))
SMALL: dict[str, Any] = {"budget": 4, "patch": 16, "factor": 5}


@pytest.fixture(params=MODELS.names("field"))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def build(name: str, channels: int = 3) -> SparseClassifier:
    torch.manual_seed(0)
    wanted = {"channels": channels, **SMALL}
    return create_model(name, CLASSES, **{k: v for k, v in wanted.items() if k in options_of(name)})


def fields(extents: tuple[tuple[int, int], ...] = EXTENTS, channels: int = 3) -> Rasters:
    """Noise, with a box of truth in each field."""
    dice = np.random.default_rng(1)
    images = [dice.integers(0, 256, (*extent, channels), dtype=np.uint8) for extent in extents]
    boxes = torch.tensor([[[4.0, 5.0, 20.0, 21.0]]]).expand(len(extents), -1, -1)
    return Rasters(PixelStore.of(images), lambda values: values.float() / 64 - 2, boxes)


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
    limits = torch.tensor(EXTENTS).flip(1)[:, None]
    assert ((centres >= 0) & (centres < limits))[sites.valid].all()


def test_evaluation_is_deterministic(name: str) -> None:
    model = build(name).eval()
    first, second = model(fields()), model(fields())
    assert first.logits.equal(second.logits)
    assert first.sites.boxes.equal(second.sites.boxes)


def test_neighbours_in_the_batch_and_their_size_change_nothing(name: str) -> None:
    model, images = build(name).eval(), fields()
    together = model(images)
    for row in range(len(EXTENTS)):
        alone = model(images.take(torch.tensor([row])))
        assert torch.allclose(alone.logits[0], together.logits[row], atol=1e-5)
        count = int(together.sites.valid[row].sum())
        assert alone.sites.boxes[0][alone.sites.valid[0]].equal(together.sites.boxes[row][together.sites.valid[row]])
        assert count == int(alone.sites.valid.sum())


@pytest.mark.parametrize("extents", [EXTENTS, ((9, 11),), ((1, 1),), ((3, 200), (200, 3))])
def test_the_cost_is_what_the_meter_says(name: str, extents: tuple[tuple[int, int], ...]) -> None:
    images = fields(extents)
    prediction = build(name).eval()(images)
    cost = prediction.cost
    assert prediction.logits.isfinite().all()
    assert cost.pixels_total.tolist() == [height * width for height, width in extents]
    asked = images.metered()
    blind = ("uniform-patches", "oracle-patches", "full-image-cnn", "iterative-patch-selection")
    if name not in blind:
        asked.overview(SMALL["factor"])
    assert cost.pixels_looked.tolist() == asked.cost().pixels_looked.tolist()
    assert (cost.pixels_read > 0).all() or name == "downscaled-cnn"
    assert (cost.pixels_decoded == cost.pixels_total).all()


def test_a_bare_tensor_is_taken_for_a_stack(name: str) -> None:
    if name == "oracle-patches":
        pytest.skip("needs to be told where the truth lies")
    model, values = build(name).eval(), torch.randn(2, 3, 60, 70, generator=torch.Generator().manual_seed(0))
    assert model(values).logits.equal(model(Stack(values)).logits)


def test_losses_come_with_the_prediction_and_reach_every_parameter(name: str) -> None:
    model = build(name).train()
    losses = model.losses(fields(), ClassTargets(torch.tensor([0, 1, 2])))
    losses.total.backward()
    without = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert losses.prediction.logits.shape == (3, 3)


def test_the_look_learns_where_it_can(name: str) -> None:
    model = build(name).train()
    parameters = list(model.look.parameters()) if hasattr(model, "look") else []
    if not parameters:
        pytest.skip("has no look that could learn")
    model.losses(fields(), ClassTargets(torch.tensor([0, 1, 2]))).total.backward()
    assert any(float(p.grad.abs().sum()) > 0 for p in parameters if p.grad is not None)


def test_state_survives_saving_and_loading(name: str, tmp_path: Path) -> None:
    model = build(name).eval()
    torch.save(model.state_dict(), tmp_path / "state.pt")
    twin = create_model(model.config["model"], tuple(model.config["classes"]), **model.config["options"]).eval()
    twin.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert twin.budget == model.budget
    assert twin(fields()).logits.equal(model(fields()).logits)


def test_flops_can_be_counted(name: str) -> None:
    assert count_flops(build(name), fields().take(torch.tensor([0]))) > 0


def test_wrong_channels_are_one_line(name: str) -> None:
    with pytest.raises(BadInput, match="channels") as refused:
        build(name).eval()(fields(channels=4))
    assert "\n" not in str(refused.value)


def test_its_entry_says_where_it_comes_from(name: str) -> None:
    entry = MODELS[name]
    assert entry.summary
    assert entry.paper
    assert entry.licence

"""Attention sampling: published sizes, what each stage teaches, and gradients against full enumeration."""

import itertools
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.core.contract import ClassTargets
from saccade.core.errors import BadInput
from saccade.evaluation.cost import count_parameters
from saccade.imaging.pixel_store import PixelStore
from saccade.imaging.rasters import Rasters
from saccade.models import create_model
from saccade.models.attention_sampling import AttentionSampling, Map
from saccade.models.parts.warm_up import WarmUp

CLASSES = ("CLL", "FL", "MCL")


def fields(*extents: tuple[int, int], seed: int = 0) -> Rasters:
    dice = np.random.default_rng(seed)
    images = [dice.integers(0, 256, (*extent, 3), dtype=np.uint8) for extent in extents]
    return Rasters(PixelStore.of(images), lambda values: values.float() / 128 - 1)


def build(**options: object) -> AttentionSampling:
    torch.manual_seed(0)
    model = create_model("attention-sampling", CLASSES, **options)
    assert isinstance(model, AttentionSampling)
    return model


def test_published_parameter_counts() -> None:
    model = create_model("attention-sampling", classes=CLASSES)
    assert count_parameters(model.look) == 1513  # type: ignore[arg-type]
    assert count_parameters(model.read) == 7459  # type: ignore[arg-type]
    assert count_parameters(model) == 1513 + 7459
    assert count_parameters(build(read_width=32).read) == 28739


def test_what_twenty_patches_of_fifty_cost_a_field_of_the_paper() -> None:
    cost = build().eval()(fields((1040, 1388))).cost
    assert cost.pixels_read.tolist() == [20 * 50 * 50]
    assert cost.pixels_looked.tolist() == [208 * 278]


def test_a_patch_lies_around_the_middle_of_its_cell() -> None:
    model, images = build(budget=3, patch=8, factor=5).eval(), fields((17, 23))
    certain = torch.full((1, 20), -torch.inf)
    certain[0, 7] = 0.0  # row 1, column 2 of 4 × 5
    boxes = model._boxes(Map(certain, 5, images.extents), torch.tensor([[7]]))
    assert boxes.tolist() == [[[12 - 4, 7 - 4, 12 + 4, 7 + 4]]]


def test_a_last_partial_cell_is_read_at_the_edge_not_beyond() -> None:
    model, images = build(budget=1, patch=8, factor=5).eval(), fields((11, 11))
    boxes = model._boxes(Map(torch.zeros(1, 9), 3, images.extents), torch.tensor([[8]]))
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    assert centre.tolist() == [[[10, 10]]]


def test_a_patch_must_be_larger_than_a_cell() -> None:
    with pytest.raises(BadInput, match="leave gaps"):
        build(patch=5, factor=5)


def test_more_draws_than_cells_without_replacement_are_refused() -> None:
    model = build(estimator="distinct", budget=20, patch=8, factor=5).train()
    with pytest.raises(BadInput, match="different sites"):
        model.losses(fields((10, 10)), ClassTargets(torch.tensor([0])))


def test_the_look_runs_once_however_many_repeats() -> None:
    model = build(repeats=4, budget=2, patch=8).train()
    calls = []
    model.look.register_forward_hook(lambda *_: calls.append(1))
    losses = model.losses(fields((40, 40), (40, 40)), ClassTargets(torch.tensor([0, 1])))
    assert calls == [1]
    assert losses.prediction.sites.weights.shape == (2, 2)
    assert losses.prediction.cost.reads.tolist() == [8, 8]


@pytest.mark.parametrize(("stage", "taught"), [("warm-up", "look"), ("reading", "read"), ("joint", "both")])
def test_what_each_stage_teaches(stage: str, taught: str) -> None:
    model = build(budget=2, patch=8).train()
    model.warm_up = WarmUp(model.look, len(CLASSES))
    model.stage = stage  # type: ignore[assignment]
    model.losses(fields((40, 45), (50, 40)), ClassTargets(torch.tensor([0, 1]))).total.backward()
    moved = {
        name: any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in part.parameters())
        for name, part in (("look", model.look), ("read", model.read))
    }
    assert moved == {"look": taught in ("look", "both"), "read": taught in ("read", "both")}


class Fixed(nn.Module):
    """A reader that knows a feature for each grey value, to be enumerated."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(table)

    def forward(self, patches: Tensor) -> Tensor:
        """The row of the patch's middle value."""
        middle = patches[:, 0, patches.shape[2] // 2, patches.shape[3] // 2]
        return self.table[middle.round().long()]


class Told(nn.Module):
    """A selection that draws what it is told."""

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.budget = budget
        self.index = torch.zeros(1, budget, dtype=torch.long)

    def forward(self, log_probabilities: Tensor, repeats: int = 1) -> Tensor:
        """The draws."""
        return self.index


def enumerable(draws: int, **options: object) -> tuple[AttentionSampling, Rasters]:
    """Four cells in a row, each of one grey value, in float64."""
    image = np.repeat(np.arange(4, dtype=np.uint8)[None, :, None].repeat(5, axis=0), 5, axis=1)
    images = Rasters(PixelStore.of([image]), lambda values: values.double())
    model = build(channels=1, budget=draws, patch=6, factor=5, entropy=0.0, **options).double().train()
    model.read = Fixed(torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))  # type: ignore[assignment]
    model.select = Told(draws)  # type: ignore[assignment]
    return model, images


@pytest.mark.parametrize("judged", ["patch", "prediction"])
@pytest.mark.parametrize("reward", ["probability", "loss"])
def test_the_gradient_of_reinforce_is_that_of_the_expected_reward(
    judged: Literal["patch", "prediction"], reward: Literal["probability", "loss"]
) -> None:
    """Two repeats of two draws: all 4⁴ outcomes, each by its probability; leave-one-out takes nothing off the mean."""
    draws, repeats = 2, 2
    model, images = enumerable(draws, judged=judged, reward=reward, weighted=False, repeats=repeats)
    parameters, targets = list(model.look.parameters()), ClassTargets(torch.tensor([0]))
    a = model.attention(images).log_probabilities[0].exp()
    table = model.read.table.detach()  # type: ignore[union-attr]
    outcomes = list(itertools.product(range(4), repeat=draws))
    expected = sum(a[[*outcome]].prod() * reward_of(table[[*outcome]], judged, reward) for outcome in outcomes)
    wanted = torch.autograd.grad(expected, parameters, retain_graph=True)  # type: ignore[arg-type]

    found = [torch.zeros_like(p) for p in parameters]
    for outcome in itertools.product(range(4), repeat=draws * repeats):
        model.select.index = torch.tensor([outcome])  # type: ignore[assignment]
        term = model.losses(images, targets).terms["reinforce"]
        chance = a[[*outcome]].prod().item()
        for total, each in zip(found, torch.autograd.grad(term, parameters), strict=True):
            total -= chance * each
    mean_over_draws = draws if judged == "prediction" else 1  # a whole prediction's reward is every draw's
    for left, right in zip(found, wanted, strict=True):
        assert torch.allclose(mean_over_draws * left, right, rtol=0, atol=1e-10)


@pytest.mark.parametrize("draws", [1, 2, 3, 4])
@pytest.mark.parametrize("centred", [True, False])
def test_what_is_expected_without_replacement(draws: int, centred: bool) -> None:
    """All ordered draws of different cells: the value is exact, and so are the gradients unless they are centred."""
    model, images = enumerable(draws, estimator="distinct", centred=centred)
    table = model.read.table  # type: ignore[union-attr]
    outcome, log_a = torch.tensor([1.0, -2.0, 0.5]).double(), model.attention(images).log_probabilities[0]
    parameters = [table, *model.look.parameters()]
    exact = (log_a.exp()[:, None] * table).sum(0) @ outcome
    off, value = [-each for each in torch.autograd.grad(exact, parameters, retain_graph=True)], 0.0
    for order in itertools.permutations(range(4), draws):
        estimate = model._expected(table[[*order]], log_a[[*order]]) @ outcome
        chance = chance_of(log_a.detach().exp()[[*order]].tolist())
        value += chance * float(estimate.detach())
        for total, each in zip(off, torch.autograd.grad(estimate, parameters, retain_graph=True), strict=True):
            total += chance * each
    assert value == pytest.approx(float(exact.detach()), abs=1e-10)
    of_reader, of_look = off[0].abs().max(), max(float(each.abs().max()) for each in off[1:])
    assert of_reader < 1e-10
    # of all cells the mean is no matter of chance, and what is the same for every draw costs nothing
    assert (of_look < 1e-10) == (not centred or draws == 4)


def chance_of(drawn: list[float]) -> float:
    """Of one order of draws without replacement."""
    chance, left = 1.0, 1.0
    for probability in drawn:
        chance, left = chance * probability / left, left - probability
    return chance


@pytest.mark.parametrize("centred", [True, False])
def test_losses_without_replacement_are_those_of_the_expectation(centred: bool) -> None:
    model, images = enumerable(2, estimator="distinct", centred=centred)
    model.select.index = torch.tensor([[2, 0]])  # type: ignore[assignment]
    drawn = model.attention(images).log_probabilities[0, [2, 0]]
    expected = 3 * model._expected(model.read.table[[2, 0]], drawn)  # type: ignore[union-attr]
    found = model.losses(images, ClassTargets(torch.tensor([1]))).terms["cross_entropy"]
    assert float(found.detach()) == pytest.approx(-float(expected.detach().log_softmax(0)[1]))


def reward_of(features: Tensor, judged: str, reward: str) -> Tensor:
    """What one set of draws earns: the whole prediction, or the mean over its patches."""
    logits = 3 * (features.mean(0, keepdim=True) if judged == "prediction" else features)
    log_right = logits.log_softmax(-1)[:, 0]
    return (log_right.exp() if reward == "probability" else log_right).mean()


@pytest.mark.parametrize("baseline", ["batch", "standardised", "leave-one-out", "running"])
def test_every_baseline_teaches_and_is_kept(baseline: str) -> None:
    model = build(baseline=baseline, budget=2, patch=8, repeats=2).train()
    targets = ClassTargets(torch.tensor([0, 1]))
    for _ in range(2):
        terms = model.losses(fields((40, 45), (50, 40)), targets).terms
    assert terms["reinforce"].isfinite()
    assert 0 < float(model.mean_reward) < 1
    assert "mean_reward" in model.state_dict()


def test_draws_spread_around_the_prediction() -> None:
    model, images = build(budget=4, patch=8).eval(), fields((60, 60))
    several = model.draws(images, 5)
    assert len({tuple(each.sites.boxes.flatten().tolist()) for each in several}) > 1
    assert all(each.sites.weights.sum().item() == pytest.approx(1) for each in several)


@pytest.mark.parametrize(
    ("estimator", "weighted", "alike"),
    [
        ("reinforce", None, False),
        ("reinforce", True, False),
        ("reinforce", False, True),
        ("distinct", None, True),
        ("distinct", False, True),
    ],
)
def test_evaluation_answers_what_training_estimates(estimator: str, weighted: bool | None, alike: bool) -> None:
    """Trained for what the map expects, draws at its quantiles count alike; as published, by their probability."""
    model = build(estimator=estimator, weighted=weighted, budget=4, patch=8, factor=5).eval()
    weights = model(fields((40, 40))).sites.weights
    assert weights.sum(1).tolist() == pytest.approx([1.0])
    assert bool((weights == 0.25).all()) == alike


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"estimator": "distinct", "reward": "loss"}, "reward = 'loss' has no effect"),
        ({"estimator": "distinct", "judged": "prediction"}, "judged = 'prediction' has no effect"),
        ({"estimator": "distinct", "baseline": "batch"}, "baseline = 'batch' has no effect"),
        ({"estimator": "reinforce", "centred": False}, "centred = False has no effect"),
        ({"estimator": "distinct", "weighted": True}, "weighted = True has no effect"),
        ({"judged": "prediction"}, "nothing to compare with"),
    ],
)
def test_ways_of_learning_that_exclude_each_other(options: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(**options)


def test_whole_predictions_are_judged_against_others_or_the_batch() -> None:
    assert build(judged="prediction", repeats=2).learning.repeats == 2
    published = build(repeats=4, entropy=0.05, reward="probability", judged="prediction", baseline="batch")
    assert published.learning.baseline == "batch"
    assert build(estimator="distinct", repeats=2).learning.repeats == 2

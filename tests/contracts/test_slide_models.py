"""What every model that tells slides or their times apart must hold to.

A model joins by being registered; no test is written for it.
"""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets, SparseClassifier, SurvivalTargets
from saccade.core.errors import BadInput
from saccade.core.results import Cost
from saccade.models import MODELS, create_model, options_of
from tests.ops.sparse_grids import NONE, ONE, SLIDES, sparse

CLASSES = ("a", "b", "c")
FEATURES = 64

# Parameters that no logit can depend on, with the reason; anything else without a gradient is a fault.
_SPAN = {
    "a key's bias adds the same to every score of a query": r"refine\.\d\.(global_)?key\.bias",
    "no token asks for the last stage's cells": r"refine\.2\.(query|key|value|table)(\..*)?",
}
IDLE = {
    "span": _SPAN,
    "span-survival": _SPAN,
    "gated-abmil": {"a bias before the softmax adds the same to every score": r"aggregate\.score\.bias"},
    "clam-sb": {"a bias before the softmax adds the same to every score": r"aggregate\.score\.bias"},
}


def build(name: str) -> SparseClassifier:
    torch.manual_seed(0)
    model = create_model(name, CLASSES, **({"in_features": FEATURES} if "in_features" in options_of(name) else {}))
    return model.double().eval()


def bags(*slides: torch.Tensor) -> Bags:
    cells = torch.cat([*slides, NONE])
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(len(cells), FEATURES, generator=generator, dtype=torch.float64)
    return Bags(features, cells, tuple(map(len, slides)))


def targets_for(name: str, *numbers: int) -> ClassTargets | SurvivalTargets:
    """Classes, or bins of time of which every second was one of an event."""
    labels = torch.tensor(numbers)
    survival = MODELS[name].task == "survival"
    return SurvivalTargets(labels, torch.arange(len(labels)) % 2 == 0) if survival else ClassTargets(labels)


@pytest.fixture(params=MODELS.names("slide", "classification") + MODELS.names("slide", "survival"))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("slides", [name for name, cells in SLIDES.items() if cells])
def test_weights_are_a_distribution_over_the_patches(name: str, slides: str) -> None:
    given = bags(*SLIDES[slides])
    prediction = build(name)(given)
    sites = prediction.sites
    assert prediction.logits.shape == (len(given), 3)
    assert prediction.logits.isfinite().all()
    assert (sites.weights >= 0).all()
    assert sites.valid.sum(1).tolist() == list(given.lengths)
    assert sites.boxes[sites.valid].equal(given.boxes)
    assert prediction.empty.tolist() == [length == 0 for length in given.lengths]
    sums = (sites.weights * sites.valid).sum(1)
    assert torch.allclose(sums, (~prediction.empty).float(), atol=1e-5)


def test_evaluation_is_deterministic(name: str) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    assert model(given).logits.equal(model(given).logits)


def test_neighbours_in_the_batch_change_nothing(name: str) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    together = model(given)
    for number in range(len(given)):
        alone = model(given[number])
        assert torch.allclose(alone.logits[0], together.logits[number], atol=1e-10)
        weights = together.sites.weights[number][together.sites.valid[number]]
        assert torch.allclose(alone.sites.weights[0], weights, atol=1e-6)


def test_bags_prepared_one_by_one_give_the_same(name: str) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    prepare = pickle.loads(pickle.dumps(model.preparation()))
    assert len(pickle.dumps(prepare)) < 1000  # no weights go to a loader's workers
    alone = [prepare(given[number]) for number in range(len(given))]
    together = model(Bags.concatenate(alone).to("cpu"))
    assert together.logits.equal(model(given).logits)
    assert together.sites.weights.equal(model(given).sites.weights)


def test_it_can_be_sent_to_other_processes(name: str) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    assert pickle.loads(pickle.dumps(model))(given).logits.equal(model(given).logits)


def test_the_order_of_the_patches_does_not_matter(name: str) -> None:
    model, given = build(name), bags(*SLIDES["blobs"])
    order = torch.randperm(len(given.features))
    mixed = Bags(given.features[order], given.cells[order], given.lengths, given.boxes[order])
    plain, other = model(given), model(mixed)
    assert torch.allclose(plain.logits, other.logits, atol=1e-10)
    assert torch.allclose(plain.sites.weights[:, order], other.sites.weights, atol=1e-6)


@pytest.mark.parametrize("step", [(1, 0), (-37, 5), (12, 12), (2**50, -(2**50))])
def test_where_the_lattice_begins_does_not_matter(name: str, step: tuple[int, int]) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    moved = replace(given, cells=given.cells + torch.tensor(step))
    assert model(moved).logits.equal(model(given).logits)


def test_a_slide_without_tissue_is_marked_empty(name: str) -> None:
    prediction = build(name)(bags(NONE))
    assert prediction.empty.tolist() == [True]
    assert prediction.sites.weights.shape == (1, 0)
    assert prediction.logits.isfinite().all()
    assert prediction.cost.reads.tolist() == [0]


def test_a_single_patch_has_all_the_weight(name: str) -> None:
    assert build(name)(bags(ONE)).sites.weights.tolist() == [[pytest.approx(1)]]


def test_the_cost_is_what_was_recorded(name: str) -> None:
    model, given = build(name), bags(sparse(5, 5, 0.5), ONE)
    cost = model(given).cost
    assert cost.reads.tolist() == list(given.lengths)
    assert cost.pixels_read_fraction.isnan().all()
    recorded = Cost(*(torch.full((2,), float(each)) for each in (100, 10, 50, 60, 5)))
    assert model(replace(given, recorded=recorded)).cost.pixels_read_fraction.tolist() == [0.5, 0.5]


def test_losses_come_with_the_prediction_and_reach_every_parameter(name: str) -> None:
    import re

    model = build(name).train()
    losses = model.losses(bags(*SLIDES["several"]), targets_for(name, 0, 1, 2, 0, 1, 2))
    losses.total.backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None and float(p.grad.abs().max()) > 1e-14}
    idle = IDLE.get(name, {}).values()
    needed = {n for n, _ in model.named_parameters() if not any(re.search(pattern + "$", n) for pattern in idle)}
    assert needed - reached == set()
    assert reached - needed == set()
    assert losses.prediction.logits.shape == (6, 3)


def test_mixed_precision_changes_little(name: str) -> None:
    model, given = build(name).float(), bags(*SLIDES["several"])
    given = replace(given, features=given.features.float())
    targets = targets_for(name, 0, 1, 2, 0, 1, 2)
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.losses(given, targets)
    losses.total.backward()
    assert torch.allclose(losses.prediction.logits.float(), model(given).logits, atol=0.1)
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_a_slide_without_tissue_can_be_trained_on(name: str) -> None:
    model = build(name).train()
    model.losses(bags(NONE), targets_for(name, 0)).total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_state_survives_saving_and_loading(name: str, tmp_path: Path) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    torch.save(model.state_dict(), tmp_path / "state.pt")
    twin = create_model(model.config["model"], tuple(model.config["classes"]), **model.config["options"]).double()
    twin.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert twin.eval()(given).logits.equal(model(given).logits)


def test_what_is_no_bag_of_these_features_is_one_line(name: str) -> None:
    model = build(name)
    with pytest.raises(BadInput, match="bags"):
        model(torch.zeros(1, 3, 8, 8))
    with pytest.raises(BadInput, match="features of 7"):
        model(Bags(torch.zeros(1, 7), torch.zeros(1, 2, dtype=torch.long), (1,)))


def test_its_entry_says_where_it_comes_from(name: str) -> None:
    entry = MODELS[name]
    assert entry.summary
    assert entry.paper
    assert entry.licence

"""What every registered model that segments slides must hold to. A model joins by being registered."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import PatchTargets, SparseSegmenter
from saccade.core.errors import BadInput
from saccade.models import MODELS, create_model, create_segmenter
from tests.contracts.test_slide_models import FEATURES, bags
from tests.ops.sparse_grids import NONE, SLIDES

CLASSES = ("none", "a", "b")

# Parameters that no logit can depend on, with the reason; anything else without a gradient is a fault.
IDLE = {"span-unet": {"a key's bias adds the same to every score of a query": "windows.key.bias"}}


def build(name: str, classes: tuple[str, ...] = CLASSES) -> SparseSegmenter:
    torch.manual_seed(0)
    return create_segmenter(name, classes, in_features=FEATURES).double().eval()


def labels(given: Bags) -> PatchTargets:
    return PatchTargets(torch.arange(len(given.features)) % 4 - 1)


@pytest.fixture(params=MODELS.names("slide", "segmentation"))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("slides", [name for name, cells in SLIDES.items() if cells])
@pytest.mark.parametrize("classes", [CLASSES, CLASSES[:2]])
def test_every_patch_has_logits_and_a_weight(name: str, slides: str, classes: tuple[str, ...]) -> None:
    given = bags(*SLIDES[slides])
    found = build(name, classes)(given)
    assert found.logits.shape == (len(given), max(given.lengths), len(classes))
    assert found.logits.isfinite().all()
    assert found.sites.valid.sum(1).tolist() == list(given.lengths)
    assert found.sites.boxes[found.sites.valid].equal(given.boxes)
    assert (found.sites.weights >= 0).all()
    assert found.empty.tolist() == [length == 0 for length in given.lengths]
    assert torch.allclose((found.sites.weights * found.sites.valid).sum(1), (~found.empty).float(), atol=1e-5)
    assert torch.allclose(found.probabilities.sum(-1), torch.ones(()).double())
    assert found.cost.reads.tolist() == list(given.lengths)


def test_neighbours_in_the_batch_change_nothing(name: str) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    together = model(given)
    for number, length in enumerate(given.lengths):
        assert torch.allclose(model(given[number]).logits[0], together.logits[number, :length], atol=1e-10)


def test_the_order_of_the_patches_does_not_matter(name: str) -> None:
    model, given = build(name), bags(*SLIDES["blobs"])
    order = torch.randperm(len(given.features))
    mixed = Bags(given.features[order], given.cells[order], given.lengths, given.boxes[order])
    assert torch.allclose(model(given).logits[:, order], model(mixed).logits, atol=1e-10)


@pytest.mark.parametrize("step", [(1, 0), (-37, 5), (2**50, -(2**50))])
def test_where_the_lattice_begins_does_not_matter(name: str, step: tuple[int, int]) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    moved = replace(given, cells=given.cells + torch.tensor(step))
    assert model(moved).logits.equal(model(given).logits)


def test_prepared_bags_say_the_same(name: str) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    prepared = pickle.loads(pickle.dumps(model.preparation()))(given)
    assert model(prepared).logits.equal(model(given).logits)


def test_losses_come_with_the_segmentation_and_reach_every_parameter(name: str) -> None:
    model, given = build(name).train(), bags(*SLIDES["several"])
    losses = model.losses(given, labels(given))
    losses.total.backward()
    reached = {n for n, p in model.named_parameters() if p.grad is not None and float(p.grad.abs().max()) > 1e-14}
    idle = tuple(IDLE.get(name, {}).values())
    assert {n for n, _ in model.named_parameters() if not n.endswith(idle)} == reached
    assert losses.prediction.logits.shape == (len(given), max(given.lengths), 3)


def test_mixed_precision_changes_little(name: str) -> None:
    model, given = build(name).float(), bags(*SLIDES["several"])
    given = replace(given, features=given.features.float())
    with torch.autocast("cpu", torch.bfloat16):
        losses = model.losses(given, labels(given))
    losses.total.backward()
    assert torch.allclose(losses.prediction.logits.float(), model(given).logits, atol=0.2)
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_a_slide_without_tissue_can_be_trained_on(name: str) -> None:
    model = build(name).train()
    model.losses(bags(NONE), labels(bags(NONE))).total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert model(bags(NONE)).empty.tolist() == [True]


def test_state_survives_saving_and_loading(name: str, tmp_path: Path) -> None:
    model, given = build(name), bags(*SLIDES["several"])
    torch.save(model.state_dict(), tmp_path / "state.pt")
    twin = create_segmenter(model.config["model"], tuple(model.config["classes"]), **model.config["options"]).double()
    twin.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert twin.eval()(given).logits.equal(model(given).logits)


def test_what_is_no_bag_of_these_features_is_one_line(name: str) -> None:
    with pytest.raises(BadInput, match="bags"):
        build(name)(torch.zeros(1, 3, 8, 8))
    with pytest.raises(BadInput, match="features of 7"):
        build(name)(Bags(torch.zeros(1, 7), torch.zeros(1, 2, dtype=torch.long), (1,)))


def test_it_is_no_classifier(name: str) -> None:
    with pytest.raises(BadInput, match="create_segmenter"):
        create_model(name, CLASSES)
    with pytest.raises(BadInput, match="create_model"):
        create_segmenter("span", CLASSES)
    assert MODELS[name].summary
    assert MODELS[name].paper

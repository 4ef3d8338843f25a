"""What models of fields must hold to, before they are registered and tests/contracts takes over."""

from collections.abc import Callable

import pytest
import torch

from saccade.core.contract import ClassTargets, SparseClassifier
from saccade.core.errors import BadInput
from saccade.imaging.stack import Stack
from saccade.models.attention_front_end import AttentionFrontEnd
from saccade.models.baselines.downscaled_cnn import downscaled_cnn
from saccade.models.baselines.field_controls import oracle_patches, stain_patches, uniform_patches
from saccade.models.baselines.full_image_cnn import full_image_cnn
from saccade.models.baselines.iterative_patch_selection import iterative_patch_selection
from saccade.models.conditional_sampling import conditional_sampling
from saccade.models.parts.field_look import FieldLook
from saccade.models.parts.patch_fusion import MeanFusion, VoteFusion, WeightFusion
from saccade.models.parts.patch_reader import PatchReader
from saccade.models.parts.site_sampling import DrawnSites
from tests.models.miniature_fields import SIZES, fields

CLASSES = ("a", "b", "c")
PATCH, FACTOR, BUDGET = 12, 4, 3


def front_end(fuse: type) -> Callable[[], SparseClassifier]:
    return lambda: AttentionFrontEnd(
        CLASSES,
        3,
        look=FieldLook(),
        select=DrawnSites(BUDGET),
        read=PatchReader(),
        fuse=fuse(),
        factor=FACTOR,
        patch=PATCH,
        entropy=0.002,
    )


BUILDERS: dict[str, Callable[[], SparseClassifier]] = {
    "uniform-patches": lambda: uniform_patches(CLASSES, budget=BUDGET, patch=PATCH, factor=FACTOR),
    "stain-patches": lambda: stain_patches(CLASSES, budget=BUDGET, patch=PATCH, factor=FACTOR),
    "oracle-patches": lambda: oracle_patches(CLASSES, budget=BUDGET, patch=PATCH),
    "downscaled-cnn": lambda: downscaled_cnn(CLASSES, factor=FACTOR),
    "full-image-cnn": lambda: full_image_cnn(CLASSES, band=7),
    "iterative-patch-selection": lambda: iterative_patch_selection(CLASSES, keep=4, chunk=3, patch=PATCH),
    "front end, weight": front_end(WeightFusion),
    "front end, mean": front_end(MeanFusion),
    "front end, vote": front_end(VoteFusion),
    "conditional-sampling": lambda: conditional_sampling(CLASSES, budget=BUDGET, patch=PATCH, factor=FACTOR),
}
READS_NOTHING = {"downscaled-cnn"}
LOOKS_AT_NOTHING = {"uniform-patches", "oracle-patches", "full-image-cnn", "iterative-patch-selection"}
BUDGETED = [name for name in BUILDERS if "cnn" not in name and "iterative" not in name]


@pytest.fixture(params=BUILDERS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def build(name: str) -> SparseClassifier:
    torch.manual_seed(0)
    return BUILDERS[name]()


def test_sizes_mix_and_weights_are_a_distribution_over_sites_inside(name: str) -> None:
    prediction = build(name).eval()(fields())
    sites = prediction.sites
    assert prediction.logits.shape == (3, 3)
    assert prediction.logits.isfinite().all()
    assert (sites.weights >= 0).all()
    assert torch.allclose((sites.weights * sites.valid).sum(1), torch.ones(3), atol=1e-5)
    centres = (sites.boxes[..., :2] + sites.boxes[..., 2:]) / 2
    width_and_height = fields().extents.flip(1)[:, None]
    assert ((centres >= 0) & (centres <= width_and_height))[sites.valid].all()


def test_evaluation_is_deterministic(name: str) -> None:
    model = build(name).eval()
    first, second = model(fields()), model(fields())
    assert first.logits.equal(second.logits)
    assert first.sites.boxes.equal(second.sites.boxes)


def test_neighbours_in_the_batch_change_nothing(name: str) -> None:
    model, images = build(name).eval(), fields()
    together = model(images)
    for row in range(len(SIZES)):
        alone = model(images.take(torch.tensor([row])))
        assert torch.allclose(alone.logits[0], together.logits[row], atol=1e-5)
        boxes = together.sites.boxes[row][together.sites.valid[row]]
        assert boxes.equal(alone.sites.boxes[0][alone.sites.valid[0]])
        for count in ("pixels_total", "pixels_looked", "pixels_read", "reads"):
            assert getattr(alone.cost, count)[0] == getattr(together.cost, count)[row]


def test_the_cost_is_what_the_meter_says(name: str) -> None:
    images = fields()
    model = build(name).eval()
    model(images)
    cost = model(images).cost  # the second call is not charged for the first
    sides = torch.tensor(SIZES)
    assert cost.pixels_total.tolist() == sides.prod(1).tolist()
    looked = (-(-sides // FACTOR)).prod(1).tolist()
    assert cost.pixels_looked.tolist() == ([0] * 3 if name in LOOKS_AT_NOTHING else looked)
    sites = model(images).sites
    read = (sites.boxes[..., 2:] - sites.boxes[..., :2]).prod(-1) * sites.valid
    if name in READS_NOTHING:
        assert cost.pixels_read.tolist() == cost.reads.tolist() == [0] * 3
    else:
        assert cost.pixels_read.tolist() == read.sum(1).tolist()
        assert cost.reads.tolist() == sites.valid.sum(1).tolist()


@pytest.mark.parametrize("frozen", [False, True])
def test_losses_come_with_the_prediction_and_reach_every_parameter(name: str, frozen: bool) -> None:
    model = build(name).train()
    if frozen:
        if not isinstance(model, AttentionFrontEnd):
            pytest.skip("knows no frozen look")
        model.entropy = None
        model.look.requires_grad_(False)
    images = fields(((40, 52), (40, 52), (40, 52)))
    losses = model.losses(images, ClassTargets(torch.tensor([0, 1, 2])))
    losses.total.backward()
    assert [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None] == []
    assert losses.prediction.logits.shape == (3, 3)
    look = getattr(model, "look", None)
    if look is not None:
        moved = any(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in look.parameters())
        assert moved == (not frozen)


def test_any_storage_gives_the_same_answer(name: str) -> None:
    """A bare tensor, a stack and rasters of the same values."""
    if name == "oracle-patches":
        pytest.skip("a tensor has no boxes")
    model = build(name).eval()
    dice = torch.Generator().manual_seed(1)
    stored = torch.randint(0, 256, (2, 36, 44, 3), generator=dice, dtype=torch.uint8)
    values = stored.permute(0, 3, 1, 2) / 64 - 2
    bare = model(values)
    assert bare.logits.equal(model(Stack(values)).logits)
    assert bare.sites.boxes.shape[0] == 2
    with pytest.raises(BadInput, match="channels"):
        model(values[:, :2])


@pytest.mark.parametrize("name", BUDGETED)
def test_the_budget_is_how_many_sites_are_read(name: str) -> None:
    model = build(name).eval()
    assert model.budget == BUDGET
    model.budget = 2
    assert model(fields()).cost.reads.tolist() == [2] * 3
    assert model.site_pixels == PATCH**2
    with pytest.raises(BadInput, match="budget"):
        model.budget = 0


def test_state_survives_saving_and_loading(name: str) -> None:
    model = build(name).eval()
    if name in BUDGETED:
        model.budget = 2
    torch.manual_seed(1)
    twin = BUILDERS[name]().eval()
    twin.load_state_dict(model.state_dict())
    assert twin.budget == model.budget
    assert twin(fields()).logits.equal(model(fields()).logits)

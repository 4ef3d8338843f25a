"""SPAN: its published sizes, its options, and what its weights say."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.core.errors import BadInput
from saccade.models import create_model
from saccade.models.parts.condensations import CONDENSATIONS
from saccade.models.span import Pooling, TokenHead
from tests.ops.sparse_grids import SLIDES

SEVERAL = SLIDES["several"]
CLASSES = ("normal", "tumour")


def bags(features: int = 64) -> Bags:
    cells = torch.cat(SEVERAL)
    generator = torch.Generator().manual_seed(0)
    return Bags(torch.randn(len(cells), features, generator=generator), cells, tuple(map(len, SEVERAL)))


@pytest.mark.parametrize(("in_features", "count"), [(1024, 9_735_514), (512, 2_442_926), (1280, 15_200_432)])
def test_it_has_the_published_size(in_features: int, count: int) -> None:
    model = create_model("span", CLASSES, in_features=in_features)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_width_and_heads_follow_the_features_unless_set() -> None:
    assert [layer.heads for layer in create_model("span", CLASSES, in_features=256).aggregate.refine] == [2] * 3
    model = create_model("span", CLASSES, in_features=64, width=12, heads=3)
    assert model.classify.linear.in_features == 12
    assert model(bags()).logits.shape == (6, 2)


@pytest.mark.parametrize("pooling", ["sum", "mean", "last", "concat", "attention"])
def test_tokens_are_pooled_as_named(pooling: Pooling) -> None:
    tokens = torch.randn(2, 3, 4)
    head = TokenHead(4, 2, pooling).eval()
    pooled = {
        "sum": tokens[:, 0] + tokens[:, 1] + tokens[:, 2],
        "mean": (tokens[:, 0] + tokens[:, 1] + tokens[:, 2]) / 3,
        "last": tokens[:, 2],
        "concat": torch.cat([tokens[:, 0], tokens[:, 1], tokens[:, 2]], dim=1),
    }
    if head.score is not None:
        shares = torch.stack([head.score(tokens[:, stage])[:, 0] for stage in range(3)], dim=1).softmax(1)
        pooled["attention"] = sum(shares[:, stage, None] * tokens[:, stage] for stage in range(3))
    assert torch.allclose(head(tokens), head.linear(head.norm(pooled[pooling])), atol=1e-6)
    model = create_model("span", CLASSES, in_features=64, pooling=pooling)
    assert model(bags()).logits.isfinite().all()


@pytest.mark.parametrize(("condensation", "kind"), list(CONDENSATIONS.items()))
def test_cells_are_condensed_as_named(condensation: str, kind: type) -> None:
    model = create_model("span", CLASSES, in_features=64, condensation=condensation)
    assert [type(enter) for enter in model.aggregate.enter][1:] == [kind, kind]
    assert model(bags()).logits.isfinite().all()
    alone = create_model("span", CLASSES, in_features=64, condensation=condensation, ablation="no-global-token")
    assert [type(step) for step in alone.aggregate.condense] == [kind, kind]
    assert alone(bags()).logits.isfinite().all()


def test_weights_are_what_the_global_tokens_gave_each_patch() -> None:
    model, given = create_model("span", CLASSES, in_features=64).eval(), bags()
    prediction, pyramid = model(given), model.pyramid(given)
    stages = model.aggregate(given.features, pyramid)
    weights = pyramid.spread(tuple(stage.weights for stage in stages))
    assert torch.allclose(prediction.sites.weights[prediction.sites.valid], weights)
    assert prediction.sites.boxes[prediction.sites.valid].equal(given.boxes)
    assert prediction.sites.weights[~prediction.sites.valid].abs().sum() == 0


def test_a_patch_the_token_looks_for_weighs_most() -> None:
    model, given = create_model("span", CLASSES, in_features=64).eval(), bags()[0]
    first = model.aggregate.refine[0]
    with torch.no_grad():
        wanted = first.norm(model.aggregate.enter[0].cells(given.features))[7]
        first.global_query.weight.zero_()
        first.global_query.bias.copy_(20 * first.global_key.weight @ wanted)
    assert model(given).sites.weights.argmax() == 7


def test_the_release_is_another_model_with_the_same_parameters() -> None:
    ours = create_model("span", CLASSES, in_features=64).eval()
    theirs = create_model("span", CLASSES, in_features=64, compatibility="released").eval()
    theirs.load_state_dict(ours.state_dict())
    assert not torch.allclose(ours(bags()).logits, theirs(bags()).logits, atol=1e-4)
    assert theirs(bags()).empty.tolist() == ours(bags()).empty.tolist()


def test_it_learns_to_tell_two_slides_apart() -> None:
    torch.manual_seed(0)
    model, given = create_model("span", CLASSES, in_features=64, dropout=0.0), Bags.concatenate([bags()[2], bags()[3]])
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    targets = ClassTargets(torch.tensor([0, 1]))
    losses = []
    for _ in range(10):
        loss = model.losses(given, targets).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"width": 10, "heads": 3}, "heads"),
        ({"width": 0}, "width"),
        ({"compatibility": "old"}, "compatibility"),
        ({"ablation": "no-head"}, "ablation"),
        ({"ablation": "no-shift", "compatibility": "released"}, "faults"),
        ({"ablation": "no-pyramid", "condensation": "merge"}, "nothing is condensed"),
        ({"condensation": "half"}, "condensation"),
        ({"ablation": "no-global-token", "pooling": "concat"}, "pooled by concat"),
    ],
)
def test_wrong_options_are_one_line(options: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        create_model("span", CLASSES, **options)

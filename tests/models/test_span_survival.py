"""SPAN asked when: the same network, hazards for logits."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import SurvivalTargets
from saccade.core.results import SurvivalPrediction
from saccade.models import MODELS, create_model
from saccade.models.span_survival import SpanSurvival
from tests.ops.sparse_grids import SLIDES

BINS = ("under 1", "1 to 2", "2 or more")
SEVERAL = SLIDES["several"]


def bags() -> Bags:
    cells = torch.cat(SEVERAL)
    generator = torch.Generator().manual_seed(0)
    return Bags(torch.randn(len(cells), 64, generator=generator), cells, tuple(map(len, SEVERAL)))


def build(**options: object) -> SpanSurvival:
    model = create_model("span-survival", BINS, in_features=64, **options)
    assert isinstance(model, SpanSurvival)
    return model


def test_it_is_the_classifier_with_hazards_for_logits() -> None:
    model, given = build().eval(), bags()
    twin = create_model("span", BINS, in_features=64).eval()
    twin.load_state_dict(model.span.state_dict())
    found, plain = model(given), twin(given)
    assert isinstance(found, SurvivalPrediction)
    assert found.logits.equal(plain.logits)
    assert found.sites.weights.equal(plain.sites.weights)
    assert found.hazards.equal(plain.logits.sigmoid())
    assert model(model.preparation()(given)).logits.equal(found.logits)


def test_the_loss_is_that_of_its_targets() -> None:
    model, given = build().eval(), bags()
    targets = SurvivalTargets(torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([True, False] * 3))
    losses = model.losses(given, targets)
    assert list(losses.terms) == ["nll"]
    assert losses.total.equal(targets.nll(model(given).logits))


def test_it_learns_who_meets_the_event_first() -> None:
    torch.manual_seed(0)
    model = build(dropout=0.0)
    given = Bags.concatenate([bags()[0], bags()[3], bags()[4]])
    targets = SurvivalTargets(torch.tensor([2, 0, 1]), torch.tensor([False, True, True]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(15):
        optimiser.zero_grad()
        model.losses(given, targets).total.backward()
        optimiser.step()
    risks = model.eval()(given).risk
    assert risks.argsort().tolist() == [0, 2, 1]


@pytest.mark.parametrize("options", [{"width": 12, "heads": 3}, {"condensation": "merge"}, {"ablation": "no-shift"}])
def test_options_are_those_of_the_classifier(options: dict[str, object]) -> None:
    model, twin = build(**options), create_model("span", BINS, in_features=64, **options)
    assert {name: tuple(value.shape) for name, value in model.span.state_dict().items()} == {
        name: tuple(value.shape) for name, value in twin.state_dict().items()
    }
    assert MODELS["span-survival"].task == "survival"

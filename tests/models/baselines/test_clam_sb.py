"""CLAM-SB: its published size, and its loss written out."""

import math

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.models import create_model
from saccade.models.baselines.clam_sb import smooth_svm

CLASSES = ("a", "b", "c")


def bags(*lengths: int) -> Bags:
    count = sum(lengths)
    features = torch.randn(count, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Bags(features, torch.zeros(count, 2, dtype=torch.long), lengths)


def test_it_has_the_published_size() -> None:
    model = create_model("clam-sb", ("normal", "tumour"))
    assert sum(parameter.numel() for parameter in model.parameters()) == 790_791


def svm(scores: list[float], label: int) -> float:
    """Berrada et al. 2018, smooth surrogate for k = 1, margin 1, temperature 1."""
    return math.log(sum(math.exp(s - scores[label] + (j != label)) for j, s in enumerate(scores)))


def test_the_smooth_svm_is_its_formula() -> None:
    scores, labels = torch.randn(6, 2).double() * 3, torch.tensor([0, 1, 1, 0, 1, 0])
    wanted = sum(svm(each, label) for each, label in zip(scores.tolist(), labels.tolist(), strict=True)) / 6
    assert float(smooth_svm(scores, labels)) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(("length", "count"), [(9, 3), (6, 3), (5, 2), (2, 1)])
def test_patches_teach_as_described(length: int, count: int) -> None:
    torch.manual_seed(0)
    model = create_model("clam-sb", CLASSES, in_features=6, width=5, hidden=4, instances=3).double().eval()
    losses = model.losses(given := bags(length), ClassTargets(torch.tensor([1])))
    tokens, weights = model.read(given.features), losses.prediction.sites.weights[0].tolist()
    order = sorted(range(length), key=lambda patch: -weights[patch])
    per_class = []
    for number, cluster in enumerate(model.clusters):
        if number == 1:
            taught = [(patch, 1) for patch in order[:count]] + [(patch, 0) for patch in order[-count:]]
        else:
            taught = [(patch, 0) for patch in order[:count]]
        per_class.append(sum(svm(cluster(tokens[patch]).tolist(), label) for patch, label in taught) / len(taught))
    assert float(losses.terms["instances"]) == pytest.approx(0.3 * sum(per_class) / 3, abs=1e-10)
    entropy = -float(losses.prediction.logits.log_softmax(1)[0, 1])
    assert float(losses.terms["bag"]) == pytest.approx(0.7 * entropy, abs=1e-10)


def test_slides_of_one_patch_or_none_teach_nothing_by_patches() -> None:
    model = create_model("clam-sb", CLASSES, in_features=6, width=5, hidden=4).double().eval()
    assert float(model.losses(bags(1, 0), ClassTargets(torch.tensor([1, 2]))).terms["instances"]) == 0


def test_patches_losses_are_the_mean_over_slides() -> None:
    model = create_model("clam-sb", CLASSES, in_features=6, width=5, hidden=4).double().eval()
    given, labels = bags(7, 1, 12), torch.tensor([0, 1, 2])
    alone = [model.losses(given[i], ClassTargets(labels[i : i + 1])).terms["instances"] for i in range(3)]
    together = model.losses(given, ClassTargets(labels)).terms["instances"]
    assert float(together) == pytest.approx(float(sum(alone)) / 3, abs=1e-12)


def test_it_predicts_what_gated_abmil_would() -> None:
    clam = create_model("clam-sb", CLASSES, in_features=6, width=5, hidden=4).double().eval()
    abmil = create_model("gated-abmil", CLASSES, in_features=6, width=5, hidden=4).double().eval()
    missing = abmil.load_state_dict(clam.state_dict(), strict=False)
    assert not missing.missing_keys
    given = bags(7, 1, 12)
    assert clam(given).logits.equal(abmil(given).logits)
    assert clam(given).sites.weights.equal(abmil(given).sites.weights)

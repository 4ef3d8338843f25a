"""DSMIL against the equations of its paper, patch by patch."""

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.contract import ClassTargets
from saccade.models import create_model

CLASSES = ("a", "b", "c")


def bags(*lengths: int) -> Bags:
    count = sum(lengths)
    features = torch.randn(count, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Bags(features, torch.zeros(count, 2, dtype=torch.long), lengths)


def test_its_size() -> None:
    model = create_model("dsmil", ("normal", "tumour"), in_features=512)
    score, query, value, head = 512 * 2 + 2, 512 * 128 + 128, 512 * 512 + 512, 2 * 512 * 2 + 2
    assert sum(each.numel() for each in model.parameters()) == score + query + value + head
    reduced = create_model("dsmil", ("normal", "tumour"), in_features=1024, width=512)
    assert sum(each.numel() for each in reduced.parameters()) == 1024 * 512 + 512 + score + query + value + head


def test_it_is_its_equations() -> None:
    torch.manual_seed(0)
    model = create_model("dsmil", CLASSES, in_features=6, hidden=4).double().eval()
    given, streams = bags(7), model.aggregate
    h = given.features
    first, attention, sums = [], [], []
    for c in range(3):
        scores = [float(streams.score.weight[c] @ patch + streams.score.bias[c]) for patch in h]
        m = max(range(7), key=lambda patch: scores[patch])
        first.append(scores[m])
        q = [streams.query.weight @ patch + streams.query.bias for patch in h]
        u = torch.stack([(each @ q[m] / 2).exp() for each in q])  # √4 = 2
        attention.append(u / u.sum())
        v = [streams.value.weight @ patch + streams.value.bias for patch in h]
        sums.append(sum(a * each for a, each in zip(attention[-1], v, strict=True)))
    second = streams.classify.weight @ torch.cat(sums) + streams.classify.bias
    losses = model.losses(given, ClassTargets(torch.tensor([2])))
    critical = torch.tensor(first, dtype=torch.float64)
    assert torch.allclose(losses.prediction.logits[0], (critical + second) / 2, atol=1e-12)
    assert torch.allclose(losses.prediction.sites.weights[0], (sum(attention) / 3).float(), atol=1e-6)
    assert float(losses.terms["critical"]) == pytest.approx(-float(critical.log_softmax(0)[2]) / 2, abs=1e-12)
    assert float(losses.terms["bag"]) == pytest.approx(-float(second.log_softmax(0)[2]) / 2, abs=1e-12)


def test_a_slide_without_tissue_has_the_logits_of_a_patch_of_zeros() -> None:
    model = create_model("dsmil", CLASSES, in_features=6).double().eval()
    nothing = model(bags(0)).logits[0]
    zeros = model.aggregate.score.bias, model.aggregate.classify.bias
    assert torch.allclose(nothing, sum(zeros) / 2)


def test_a_patch_weighs_more_the_more_it_is_like_the_critical_one() -> None:
    model = create_model("dsmil", ("a", "b"), in_features=2, hidden=2).eval()
    with torch.no_grad():
        model.aggregate.score.weight.copy_(torch.tensor([[1.0, 0], [1, 0]]))
        model.aggregate.query.weight.copy_(torch.eye(2))
        model.aggregate.query.bias.zero_()
    features = torch.tensor([[5.0, 0], [4, 0], [0, 5], [-5, 0]])
    weights = model(Bags(features, torch.zeros(4, 2, dtype=torch.long), (4,))).sites.weights[0]
    assert weights.argsort(descending=True).tolist() == [0, 1, 2, 3]

"""Mean pooling by hand."""

import torch

from saccade.core.bags import Bags
from saccade.models import create_model

CELLS = torch.zeros(5, 2, dtype=torch.long)


def test_it_is_the_mean_of_the_embedded_patches() -> None:
    torch.manual_seed(0)
    model, features = (
        create_model("mean-pooling", ("a", "b"), in_features=6, width=4).double(),
        torch.randn(5, 6).double(),
    )
    prediction = model(Bags(features, CELLS, (3, 2)))
    linear = model.read[0]
    for number, rows in enumerate(features.split((3, 2))):
        summary = sum((linear.weight @ row + linear.bias).clamp_min(0) for row in rows) / len(rows)
        assert torch.allclose(
            prediction.logits[number], model.classify.weight @ summary + model.classify.bias, atol=1e-12
        )
    assert torch.allclose(prediction.sites.weights, torch.tensor([[1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]]))


def test_its_size() -> None:
    model = create_model("mean-pooling", ("a", "b"))
    assert sum(each.numel() for each in model.parameters()) == 1024 * 512 + 512 + 512 * 2 + 2

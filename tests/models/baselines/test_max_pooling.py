"""Max pooling by hand: who won what."""

import torch
from torch import nn

from saccade.core.bags import Bags
from saccade.models import create_model
from saccade.models.baselines.max_pooling import MaxPool

CELLS = torch.zeros(3, 2, dtype=torch.long)


def test_a_patch_weighs_the_share_of_the_features_it_won() -> None:
    tokens = torch.tensor([[9.0, 1, 0, 5], [2, 8, 0, 5], [3, 3, 0, 4]])
    pooled = MaxPool()(tokens, CELLS)
    assert pooled.summary.tolist() == [9, 8, 0, 5]
    thirds = 1 / 3  # of the third feature, that all share
    wanted = [(1 + thirds + 0.5) / 4, (1 + thirds + 0.5) / 4, thirds / 4]
    assert torch.allclose(pooled.weights, torch.tensor(wanted))


def test_it_is_the_maximum_of_the_embedded_patches() -> None:
    torch.manual_seed(0)
    model, features = create_model("max-pooling", ("a", "b"), in_features=6, width=4), torch.randn(3, 6)
    model.read = nn.Identity()
    model.classify = nn.Linear(6, 2)
    wanted = model.classify(torch.stack([column.max() for column in features.T]))
    assert torch.allclose(model(Bags(features, CELLS, (3,))).logits[0], wanted)


def test_its_size() -> None:
    model = create_model("max-pooling", ("a", "b"))
    assert sum(each.numel() for each in model.parameters()) == 1024 * 512 + 512 + 512 * 2 + 2

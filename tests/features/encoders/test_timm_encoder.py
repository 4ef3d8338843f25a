"""timm is not installed here: its absence is told, and a stand-in shows what is asked of it."""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from saccade.core.errors import BadInput
from saccade.features.encoders import create_encoder


class Tiny(nn.Module):
    """The mean of each channel and of their sum, as a model of timm's would say it."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))
        self.dropout = nn.Dropout(0.5)
        self.pretrained_cfg = {"license": "mit"}

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        means = self.dropout(images.mean((2, 3)))
        return torch.cat([means, means.sum(1, keepdim=True)], 1) * self.gain


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """A stand-in for timm that notes what it is asked for."""
    asked: list[dict[str, Any]] = []

    def create_model(name: str, **options: Any) -> nn.Module:
        asked.append({"name": name, **options})
        if name == "unknown":
            raise RuntimeError("Unknown model (unknown)\nand more")
        return Tiny()

    config = {"input_size": (3, 32, 32), "mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "crop_pct": 0.9}
    data = types.SimpleNamespace(resolve_model_data_config=lambda network: config)
    stand_in = types.SimpleNamespace(create_model=create_model, data=data, __version__="9.9")
    monkeypatch.setitem(sys.modules, "timm", stand_in)
    return asked


def test_features_and_facts(calls: list[dict[str, Any]]) -> None:
    encoder = create_encoder("timm:hf-hub:owner/tiny.v1")
    assert calls == [{"name": "hf-hub:owner/tiny.v1", "pretrained": True, "num_classes": 0}]
    patches = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    means = (patches.mean((1, 2)) / 255 - 0.5) / 0.25 * 2
    np.testing.assert_allclose(encoder(patches), np.column_stack([means, means.sum(1)]), rtol=1e-3, atol=1e-4)
    assert (encoder.name, encoder.dim, encoder.input_size) == ("timm-hf-hub-owner-tiny.v1", 4, 32)
    assert encoder.facts["licence"] == "mit" and encoder.facts["version"] == "timm 9.9"
    assert encoder(np.zeros((1, 64, 64, 3), np.uint8)).shape == (1, 4)  # brought to 32 first


def test_local_weights(calls: list[dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.touch()
    create_encoder("timm:tiny", path)
    assert calls[0]["pretrained_cfg_overlay"] == {"file": str(path)}
    with pytest.raises(BadInput, match="there is no such file"):
        create_encoder("timm:tiny", tmp_path / "none")


def test_models_that_give_more_than_a_row(calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Some keep their tokens, or their picture, even without a classifier."""
    monkeypatch.setattr(Tiny, "forward", lambda self, images: images.flatten(2))
    with pytest.raises(BadInput, match=r"^timm:tiny: gives features of 3 axes, not one row.*\. Give a vision model"):
        create_encoder("timm:tiny")


def test_unknown_models(calls: list[dict[str, Any]]) -> None:
    with pytest.raises(
        BadInput, match=r"^timm:unknown: there is no such model to be had \(Unknown model \(unknown\)\)"
    ):
        create_encoder("timm:unknown")


def test_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        BadInput,
        match=r'need timm, which is not installed. In the folder .* pip install .*"\.\[timm\]"$',
    ):
        create_encoder("timm:tiny")


def test_timm_beside_a_torchvision_that_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "timm.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(BadInput, match=r"timm does not import \(operator torchvision::nms.*Install the torchvision"):
        create_encoder("timm:tiny")

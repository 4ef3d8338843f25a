"""A trained model's last input is its feature: the last layer, applied to it, gives the model's own logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.encoders.encoder import Encoder, fingerprint
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.cell_encoder import _last_linear, cell_encoder
from saccade.models import create_model
from saccade.models.packaging import load_model, save_model

CLASSES = ("a", "b", "c")
MODELS: dict[str, tuple[int, dict[str, Any]]] = {
    "tiny-cnn": (64, {}),
    "sparse-attn-net": (64, {"budget": 20}),
    "all-pixels": (64, {"attention_layers": 1}),
    "vit-tiny": (192, {"size": 16, "patch": 8}),
    "resnet18": (512, {}),
}


def save(folder: Path, name: str = "tiny-cnn", seed: int = 0, **told: Any) -> Path:
    torch.manual_seed(seed)
    settings: dict[str, Any] = {"size": 16, "channels": 3, "mean": (0.5,) * 3, "std": (0.25,) * 3, **told}
    preprocessing = Preprocessing(**settings)
    model = create_model(name, CLASSES, channels=preprocessing.channels, **MODELS[name][1])
    save_model(folder, model, preprocessing)
    return folder


def patches(side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", MODELS)
def test_the_last_layer_makes_logits_of_features(tmp_path: Path, name: str) -> None:
    encoder = cell_encoder(save(tmp_path / "run", name))
    assert isinstance(encoder, Encoder) and encoder.dim == MODELS[name][0]
    package = load_model(tmp_path / "run")
    last = _last_linear(package.model, "")
    with torch.no_grad():
        logits = package.model(package.preprocessing.normalise(torch.from_numpy(patches()).permute(0, 3, 1, 2))).logits
        found = last(torch.from_numpy(encoder(patches())))
    torch.testing.assert_close(found, logits, rtol=1e-4, atol=1e-5)
    assert logits.std() > 1e-4


def test_the_last_of_many_layers_as_wide_as_the_classes(tmp_path: Path) -> None:
    model = create_model("vit-tiny", tuple(str(number) for number in range(192)), **MODELS["vit-tiny"][1])
    save_model(tmp_path, model, Preprocessing(16, 3, (0.5,) * 3, (0.25,) * 3))
    logits = _last_linear(model, "")(torch.from_numpy(cell_encoder(tmp_path)(patches())))
    images = (torch.from_numpy(patches()).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25
    torch.testing.assert_close(logits, model.eval()(images).logits, rtol=1e-4, atol=1e-5)


def test_patches_are_resized_as_the_model_resizes(tmp_path: Path) -> None:
    encoder = cell_encoder(save(tmp_path / "run"))
    larger = patches(224)
    resized = np.stack([encoder.preprocessing.resize(patch) for patch in larger])
    assert resized.shape[1:3] == (16, 16) and encoder.input_size == 16
    np.testing.assert_array_equal(encoder(larger), encoder(resized))


def test_facts(tmp_path: Path) -> None:
    first, second = (cell_encoder(save(tmp_path / str(seed) / "pbc", seed=seed, mpp=0.25)) for seed in (0, 1))
    assert first.name == "saccade-pbc" and "tiny-cnn" in first.facts["source"]
    assert first.facts["normalisation"]["mpp"] == 0.25 and len(first.facts["weights_sha256"]) == 64
    assert fingerprint(first.facts) != fingerprint(second.facts)


def test_models_that_know_no_patches(tmp_path: Path) -> None:
    for number, (told, message) in enumerate(
        (
            ({"channels": 1, "mean": (0.5,), "std": (0.25,)}, "was trained on 1 channels of uint8"),
            ({"kind": "uint16", "scale": 65535.0}, "was trained on 3 channels of uint16"),
            ({"size": None}, "is a model of whole fields"),
        )
    ):
        with pytest.raises(BadInput, match=message):
            cell_encoder(save(tmp_path / str(number), **told))
    with pytest.raises(BadInput, match="there is no such folder"):
        cell_encoder(tmp_path / "none")

"""ResNet-50 against a reference written out from the paper with torchvision's parameter names."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from saccade.core.errors import BadInput
from saccade.features.encoders import create_encoder
from saccade.features.encoders.resnet50 import resnet50

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def torchvision_weights(seed: int = 0) -> dict[str, Tensor]:
    """A whole ResNet-50 under torchvision's names, drawn so that signals neither die nor explode."""
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, Tensor] = {}

    def convolution(name: str, outputs: int, inputs: int, side: int) -> None:
        spread = (2 / (inputs * side**2)) ** 0.5
        weights[f"{name}.weight"] = torch.randn(outputs, inputs, side, side, generator=generator) * spread

    def norm(name: str, channels: int) -> None:
        weights[f"{name}.weight"] = 0.5 + torch.rand(channels, generator=generator) / 2
        weights[f"{name}.bias"] = torch.randn(channels, generator=generator) / 10
        weights[f"{name}.running_mean"] = torch.randn(channels, generator=generator) / 10
        weights[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=generator)
        weights[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("conv1", 64, 3, 7)
    norm("bn1", 64)
    inputs = 64
    for stage, (width, blocks) in enumerate(STAGES, start=1):
        for block in range(blocks):
            at = f"layer{stage}.{block}"
            for number, (out, into, side) in enumerate(
                ((width, inputs, 1), (width, width, 3), (4 * width, width, 1)), start=1
            ):
                convolution(f"{at}.conv{number}", out, into, side)
                norm(f"{at}.bn{number}", out)
            if block == 0:
                convolution(f"{at}.downsample.0", 4 * width, inputs, 1)
                norm(f"{at}.downsample.1", 4 * width)
            inputs = 4 * width
    weights["fc.weight"] = torch.randn(1000, 2048, generator=generator)
    weights["fc.bias"] = torch.zeros(1000)
    return weights


def reference(weights: dict[str, Tensor], images: Tensor) -> Tensor:
    """Stem and three stages by plain functions: stride in the 3×3 convolution, as torchvision has it."""

    def norm(values: Tensor, name: str) -> Tensor:
        mean, var = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return F.batch_norm(values, mean, var, weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-5)

    values = F.relu(norm(F.conv2d(images, weights["conv1.weight"], stride=2, padding=3), "bn1"))
    values = F.max_pool2d(values, 3, stride=2, padding=1)
    for stage, (_, blocks) in enumerate(STAGES[:3], start=1):
        for block in range(blocks):
            at, stride = f"layer{stage}.{block}", 2 if block == 0 and stage > 1 else 1
            inner = F.relu(norm(F.conv2d(values, weights[f"{at}.conv1.weight"]), f"{at}.bn1"))
            inner = F.conv2d(inner, weights[f"{at}.conv2.weight"], stride=stride, padding=1)
            inner = norm(F.conv2d(F.relu(norm(inner, f"{at}.bn2")), weights[f"{at}.conv3.weight"]), f"{at}.bn3")
            if block == 0:
                values = norm(
                    F.conv2d(values, weights[f"{at}.downsample.0.weight"], stride=stride), f"{at}.downsample.1"
                )
            values = F.relu(values + inner)
    assert values.shape[1:] == (1024, images.shape[2] // 16, images.shape[3] // 16)
    return values.mean((2, 3))


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return torchvision_weights()


@pytest.fixture(scope="module")
def file(weights: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(weights, path)
    return path


def patches(count: int = 2, side: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_against_the_reference(weights: dict[str, Tensor], file: Path) -> None:
    encoder = create_encoder("resnet50", file)
    images = torch.from_numpy(patches()).permute(0, 3, 1, 2).double() / 255
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    images = ((images - mean[:, None, None]) / std[:, None, None]).float()
    expected = reference(weights, images).numpy()
    found = encoder(patches())
    assert found.shape == (2, encoder.dim) == (2, 1024) and found.dtype == np.float32
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_facts(file: Path) -> None:
    facts = resnet50(file).facts
    assert facts["normalisation"]["mean"] == [0.485, 0.456, 0.406] and "BSD-3-Clause" in facts["licence"]
    assert facts["input_size"] is None and facts["dim"] == 1024
    assert facts["weights_sha256"] != resnet50("random").facts["weights_sha256"]


def test_every_form_of_the_same_weights(weights: dict[str, Tensor], file: Path, tmp_path: Path) -> None:
    safe = tmp_path / "a.safetensors"
    save_file(weights, safe)
    torch.save({"state_dict": {f"module.{name}": value for name, value in weights.items()}}, tmp_path / "b.pth")
    old = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "c.pth")
    prints = {resnet50(path).facts["weights_sha256"] for path in (file, safe, tmp_path / "b.pth", tmp_path / "c.pth")}
    assert len(prints) == 1


def test_other_networks(weights: dict[str, Tensor], tmp_path: Path) -> None:
    lacking = {name: value for name, value in weights.items() if name != "layer2.1.bn2.bias"}
    more = {**weights, "extra.weight": torch.ones(1)}
    other = {**weights, "layer1.0.conv1.weight": torch.ones(64, 32, 1, 1)}
    for state, name in ((lacking, "layer2.1.bn2.bias"), (more, "extra.weight"), (other, "layer1.0.conv1.weight")):
        torch.save(state, tmp_path / "a.pth")
        with pytest.raises(BadInput, match=rf"a\.pth: holds no ResNet-50 of torchvision's names: {name} does not fit"):
            resnet50(tmp_path / "a.pth")


def test_without_weights() -> None:
    with pytest.raises(BadInput, match=r"^resnet50 has no weights of its own. Fetch .*--weights FILE$"):
        create_encoder("resnet50")

"""Tiny models saved here and opened offline, against transformers itself."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.encoders import create_encoder
from saccade.features.encoders.encoder import fingerprint

transformers = pytest.importorskip("transformers")

TOLD = {"size": {"height": 32, "width": 32}, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}


def vit(pooler: bool = True) -> Any:
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8
    )
    return transformers.ViTModel(config, add_pooling_layer=pooler)


def swin() -> Any:
    options = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 1], "window_size": 4}
    return transformers.SwinModel(transformers.SwinConfig(image_size=32, patch_size=4, **options))


def resnet() -> Any:
    return transformers.ResNetModel(transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1]))


def clip() -> Any:
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": 50, "bos_token_id": 1, "eos_token_id": 2}
    config = transformers.CLIPConfig(
        text_config=text, vision_config={**small, "image_size": 32, "patch_size": 8}, projection_dim=12
    )
    return transformers.CLIPModel(config)


def flava() -> Any:
    """Its embedding of images is one of every token."""
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.FlavaConfig(
        image_config={**small, "image_size": 32, "patch_size": 8},
        text_config={**small, "vocab_size": 50},
        multimodal_config=small,
        projection_dim=12,
    )
    return transformers.FlavaModel(config)


def llava() -> Any:
    """A language model that sees: images become what stands for words."""
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**small, image_size=32, patch_size=8, projection_dim=12),
        text_config=transformers.LlamaConfig(**small, vocab_size=50),
        image_token_index=3,
        vision_feature_layer=-1,
    )
    return transformers.LlavaModel(config)


def save(folder: Path, model: Any, told: dict[str, Any] | None = None) -> Path:
    model.eval().save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(TOLD if told is None else told))
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As HF_HUB_OFFLINE=1 does where it is set before anything is imported."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save(tmp_path / "tiny vit", vit())


def patches(side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)


def images() -> torch.Tensor:
    values = torch.from_numpy(patches()).permute(0, 3, 1, 2) / 255
    mean, std = (torch.tensor(TOLD[key])[:, None, None] for key in ("image_mean", "image_std"))
    return (values - mean) / std


@pytest.mark.parametrize("make", [vit, swin, resnet])
def test_features_are_those_of_transformers(tmp_path: Path, make: Any) -> None:
    """The class token of a ViT; the mean of the last layer for the others, which is how both pool themselves."""
    model = make()
    encoder = create_encoder(f"hf:{save(tmp_path / 'model', model)}")
    with torch.no_grad():
        found = model(pixel_values=images())
    expected = found.last_hidden_state[:, 0] if make is vit else found.pooler_output.flatten(1)
    assert encoder(patches()).shape == (3, encoder.dim) and encoder(patches()).dtype == np.float32
    np.testing.assert_allclose(encoder(patches()), expected.numpy(), rtol=1e-4, atol=1e-5)
    assert encoder(patches()[:0]).shape == (0, encoder.dim)


def test_of_images_and_text_the_images_embedding(tmp_path: Path) -> None:
    """The projection that CLIP compares with texts, by another way than the encoder's."""
    model = clip()
    encoder = create_encoder(f"hf:{save(tmp_path / 'clip', model)}")
    with torch.no_grad():
        expected = model.visual_projection(model.vision_model(pixel_values=images()).pooler_output)
    assert encoder.dim == 12
    np.testing.assert_allclose(encoder(patches()), expected.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (flava, "gives features of 3 axes, not one row of numbers per patch"),
        (llava, "is a LlavaModel, which has no embedding of images beside text"),
    ],
)
def test_of_images_and_text_without_an_embedding_of_images(tmp_path: Path, make: Any, message: str) -> None:
    folder = save(tmp_path / "model", make())
    with pytest.raises(BadInput, match=rf"^{folder}: {message}.*\. Give a vision model") as caught:
        create_encoder(f"hf:{folder}")
    assert "\n" not in str(caught.value)


def test_a_model_that_wants_more_than_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those do that are told the picture's grid beside it."""

    def forward(self: Any, pixel_values: Any, grid: Any) -> None: ...

    monkeypatch.setattr(transformers.ViTModel, "forward", forward)
    folder = save(tmp_path / "model", vit())
    with pytest.raises(BadInput, match=rf"^{folder}: gives no features of an image alone \(.*'grid'.*Give a vision"):
        create_encoder(f"hf:{folder}")


def test_facts(folder: Path) -> None:
    (folder / "README.md").write_text("---\ntags: x\nlicense: cc-by-nc-4.0\n---\n# A model\nlicense: MIT\n")
    encoder = create_encoder(f"hf:{folder}")
    facts = encoder.facts
    assert encoder.name == "hf-tiny-vit" and encoder.input_size == 32
    assert facts["licence"] == "cc-by-nc-4.0" and facts["normalisation"]["mean"] == [0.5, 0.4, 0.3]
    assert facts["source"] == "transformers: tiny vit" and len(facts["weights_sha256"]) == 64
    other = create_encoder(f"hf:{save(folder.parent / 'other' / 'tiny vit', vit())}").facts
    assert other["licence"] == "not stated" and fingerprint(other) != fingerprint(facts)


def test_what_the_file_lacks_does_not_count(tmp_path: Path) -> None:
    """Many ViTs come without the pooler that transformers then draws at random; it is not used."""
    folder = save(tmp_path / "a", vit(pooler=False))
    first, second = (create_encoder(f"hf:{folder}") for _ in range(2))
    np.testing.assert_array_equal(first(patches()), second(patches()))
    assert fingerprint(first.facts) == fingerprint(second.facts)


def test_patches_of_other_sizes_are_stretched_whole(folder: Path) -> None:
    encoder = create_encoder(f"hf:{folder}")
    doubled = patches().repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(encoder(doubled), encoder(patches()), atol=1e-5)


@pytest.mark.parametrize(
    ("told", "size", "scale"),
    [
        (
            {**TOLD, "size": {"shortest_edge": 256}, "crop_size": {"height": 32, "width": 32}, "do_center_crop": True},
            32,
            255,
        ),
        ({**TOLD, "size": 32}, 32, 255),
        ({**TOLD, "rescale_factor": 0.00392156862745098}, 32, 255),
        ({**TOLD, "do_rescale": False}, 32, 1),
    ],
)
def test_processors_forms(tmp_path: Path, told: dict[str, Any], size: int, scale: float) -> None:
    encoder = create_encoder(f"hf:{save(tmp_path / 'a', vit(), told)}")
    assert encoder.input_size == size
    assert encoder.facts["normalisation"]["scale"] == pytest.approx(scale)


def test_models_that_cannot_be_used(folder: Path, tmp_path: Path) -> None:
    (folder / "preprocessor_config.json").write_text("{}")
    with pytest.raises(BadInput, match="does not say how images are normalised"):
        create_encoder(f"hf:{folder}")
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(BadInput, match="there is no preprocessor_config.json"):
        create_encoder(f"hf:{folder}")
    (tmp_path / "empty").mkdir()
    for name in (str(tmp_path / "empty"), "saccade/no-such-model"):
        with pytest.raises(BadInput, match=name) as caught:
            create_encoder(f"hf:{name}")
        assert "\n" not in str(caught.value)
    text = transformers.BertModel(
        transformers.BertConfig(
            hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
        )
    )
    with pytest.raises(BadInput, match="is a BertModel, which does not take images alone"):
        create_encoder(f"hf:{save(tmp_path / 'bert', text)}")


def test_without_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(
        BadInput,
        match=r'need transformers, which is not installed. In the folder .* pip install .*"\.\[transf',
    ):
        create_encoder("hf:owner/name")

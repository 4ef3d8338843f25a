"""Every encoder by name keeps the same promises."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.encoders import DEFAULT, ENCODERS, create_encoder
from saccade.features.encoders.encoder import Encoder, encoder_facts, fingerprint, folder_safe


@pytest.fixture(params=["colour-texture", "resnet50", "function"], scope="module")
def encoder(request: pytest.FixtureRequest) -> Encoder:
    if request.param == "function":
        return create_encoder(lambda patches: patches.mean((1, 2)))
    torch.manual_seed(0)
    return create_encoder(request.param, "random" if request.param == "resnet50" else None)


def test_promises(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    patches = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    features = encoder(patches)
    assert features.shape == (3, encoder.dim) and features.dtype == np.float32 and np.isfinite(features).all()
    np.testing.assert_array_equal(encoder(patches), features)
    for row in range(3):
        np.testing.assert_allclose(encoder(patches[row : row + 1])[0], features[row], rtol=1e-4, atol=1e-5)
    assert encoder(patches[:0]).shape == (0, encoder.dim)
    assert folder_safe(encoder.name) == encoder.name
    facts = dict(encoder.facts)
    assert facts == json.loads(json.dumps(facts))
    assert set(facts) == set(encoder_facts("a", version="", dim=1, source=""))
    assert (facts["name"], facts["dim"], facts["input_size"]) == (encoder.name, encoder.dim, encoder.input_size)
    assert fingerprint(facts) == fingerprint(encoder.facts) and len(fingerprint(facts)) == 16


def test_fingerprints_tell_what_decides() -> None:
    facts = encoder_facts("a", version="1", dim=3, source="here", licence="MIT")
    assert fingerprint({**facts, "licence": "other"}) == fingerprint(facts)
    assert fingerprint({**facts, "version": "2"}) != fingerprint(facts)


def test_specs() -> None:
    assert create_encoder(DEFAULT).name == DEFAULT == ENCODERS[0].spec
    with pytest.raises(BadInput, match=r"^unknown encoder 'colour'. Choose one of colour-texture, resnet50, timm:NAME"):
        create_encoder("colour")
    for empty in ("timm:", "hf:", "colour-texture:x"):
        with pytest.raises(BadInput, match="unknown encoder"):
            create_encoder(empty)
    with pytest.raises(BadInput, match="w.pth: the encoder 'colour-texture' takes no file of weights"):
        create_encoder("colour-texture", Path("w.pth"))
    with pytest.raises(BadInput, match="is a trained model"):
        create_encoder("saccade:runs/a")


@pytest.mark.parametrize("name", ["hf:owner/a b", "<lambda>", "../..", "a/../b", "..."])
def test_folder_safe(name: str) -> None:
    safe = folder_safe(name)
    assert safe and "/" not in safe and not safe.startswith((".", "-")) and " " not in safe

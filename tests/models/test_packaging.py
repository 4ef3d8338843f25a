"""A model comes back from its two files as it went, and damaged files are found out."""

import json
from pathlib import Path

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.models import MODELS, create_model, options_of
from saccade.models.packaging import CONFIG, WEIGHTS, load_config, load_model, save_model

PREPROCESSING = Preprocessing(size=16, channels=3, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6), mpp=0.25)


OPTIONS_THEN = (
    *("channels", "budget", "patch", "factor", "look_width", "look_layers", "norm", "read_width", "read_layers"),
    *("init", "temperature", "weighted", "estimator", "reward", "judged", "baseline", "entropy", "repeats"),
)
"""Those of attention sampling before there was another; what is not said is the default."""


def build(name: str = "sparse-attn-net"):
    wanted = {"size": 16, "budget": 40}
    return create_model(name, ("a", "b", "c"), **{k: v for k, v in wanted.items() if k in options_of(name)})


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a saved model."""
    save_model(tmp_path / "model", build(), PREPROCESSING, {"epoch": 3})
    return tmp_path / "model"


@pytest.mark.parametrize("name", MODELS.names("cell"))
def test_every_model_answers_the_same_after_loading(name: str, tmp_path: Path) -> None:
    model, images = build(name).eval(), torch.randn(4, 3, 16, 16)
    save_model(tmp_path, model, PREPROCESSING)
    package = load_model(tmp_path)
    assert package.model(images).logits.equal(model(images).logits)
    assert not package.model.training
    assert package.model.classes == ("a", "b", "c")
    assert package.preprocessing == PREPROCESSING


def test_the_folder_holds_two_files_and_no_pickle(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == [CONFIG, WEIGHTS]
    config = json.loads((saved / CONFIG).read_text())
    assert config["model"] == "sparse-attn-net"
    assert config["extra"] == {"epoch": 3}
    assert config["saccade_version"]


def test_a_learned_budget_comes_back(tmp_path: Path) -> None:
    model = build()
    model.budget = 23
    save_model(tmp_path, model, PREPROCESSING)
    assert load_model(tmp_path).model.budget == 23
    assert load_config(tmp_path)["budget"] == 23


def test_saving_again_replaces(saved: Path) -> None:
    other = build()
    save_model(saved, other, PREPROCESSING)
    images = torch.randn(2, 3, 16, 16)
    assert load_model(saved).model(images).logits.equal(other.eval()(images).logits)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(BadInput, match=f"there is no {name}"):
        load_model(saved)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        load_model(tmp_path / "nothing")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_damaged_weights_are_found_out(saved: Path, damage: str) -> None:
    data = bytearray((saved / WEIGHTS).read_bytes())
    data[-3] ^= 1
    damaged = {"truncated": data[:-100], "flipped": data, "empty": b""}[damage]
    (saved / WEIGHTS).write_bytes(damaged)
    with pytest.raises(BadInput, match="damaged"):
        load_model(saved)


def test_weights_that_are_no_safetensors_are_found_out_without_a_checksum(saved: Path) -> None:
    edit(saved, weights_sha256=None)
    (saved / WEIGHTS).write_bytes(b"not tensors")
    with pytest.raises(BadInput, match="no safetensors file"):
        load_model(saved)


def test_weights_of_another_model_are_found_out(saved: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "other", build("tiny-cnn"), PREPROCESSING)
    (saved / WEIGHTS).write_bytes((tmp_path / "other" / WEIGHTS).read_bytes())
    with pytest.raises(BadInput, match="does not belong"):
        load_model(saved)
    edit(saved, weights_sha256=None)
    with pytest.raises(BadInput, match="not those of the sparse-attn-net"):
        load_model(saved)


def edit(folder: Path, **changes: object) -> None:
    path = folder / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99, "saccade_version": "7.0"}, "written by saccade 7.0"),
        ({"format": "x"}, "not written by saccade"),
        ({"model": "no-such-net"}, "unknown model"),
        ({"options": {"colour": "blue"}}, "no option 'colour'"),
        ({"options": 3}, "do not fit"),
        ({"classes": ["a"]}, "cannot be told apart"),
        ({"classes": None}, "do not fit"),
        ({"preprocessing": {"size": 16}}, "unknown or missing key"),
        ({"preprocessing": 3}, "do not fit"),
    ],
)
def test_a_configuration_that_does_not_fit_is_named(saved: Path, changes: dict[str, object], message: str) -> None:
    edit(saved, **changes)
    with pytest.raises(BadInput, match=message) as caught:
        load_model(saved)
    assert CONFIG in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("estimator", ["reinforce", "distinct"])
def test_models_of_before_an_option_without_effect_was_refused(tmp_path: Path, estimator: str) -> None:
    """They were saved with the default of then, weighted = true, which drawing without replacement passed over."""
    model = create_model("attention-sampling", ("a", "b"), estimator=estimator, budget=3, patch=8)
    save_model(tmp_path, model, Preprocessing(None, 3, (0.0,) * 3, (1.0,) * 3))
    options = load_config(tmp_path)["options"]
    known_then = {name: value for name, value in options.items() if name in OPTIONS_THEN}
    edit(tmp_path, options={**known_then, "weighted": True})
    images = torch.rand(1, 3, 40, 40)
    expected = model.eval()(images)
    found = load_model(tmp_path).model(images)
    assert found.logits.equal(expected.logits) and found.sites.weights.equal(expected.sites.weights)


def test_models_of_before_the_look_biased_the_attention(tmp_path: Path) -> None:
    model = create_model("sparse-attn-net", ("a", "b"), budget=9, look_bias=False).eval()
    save_model(tmp_path, model, PREPROCESSING)
    options = load_config(tmp_path)["options"]
    del options["look_bias"]
    edit(tmp_path, options=options)
    images = torch.rand(1, 3, 16, 16)
    assert load_model(tmp_path).model(images).logits.equal(model(images).logits)


@pytest.mark.parametrize("text", ["{", "[]", "{}", "\xff"])
def test_a_configuration_that_is_no_json_is_named(saved: Path, text: str) -> None:
    (saved / CONFIG).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=r"config\.json"):
        load_model(saved)


def test_a_missing_key_is_named(saved: Path) -> None:
    config = json.loads((saved / CONFIG).read_text())
    del config["preprocessing"]
    (saved / CONFIG).write_text(json.dumps(config))
    with pytest.raises(BadInput, match="lacks the key 'preprocessing'"):
        load_model(saved)


def test_a_device_that_is_not_there_is_named(saved: Path) -> None:
    with pytest.raises(BadInput, match="no device"):
        load_model(saved, device="cuda:99")


def test_a_failed_write_leaves_the_old_model(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in saved.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(Exception, match="No space left"):
        save_model(saved, build(), PREPROCESSING)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before

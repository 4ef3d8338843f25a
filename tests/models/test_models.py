"""Building models by name."""

import subprocess
import sys

import pytest

from saccade.core.errors import BadInput
from saccade.models import MODELS, create_model


def test_listing_models_imports_no_torch() -> None:
    code = "import sys, saccade.models as m; m.MODELS.names(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_config_builds_the_model_again() -> None:
    model = create_model("sparse-attn-net", ("x", "y"), budget=9, heads=2)
    assert model.config["options"]["heads"] == 2
    assert model.config["options"]["look"] == "strided"
    twin = create_model(model.config["model"], tuple(model.config["classes"]), **model.config["options"])
    assert twin.config == model.config


@pytest.mark.parametrize(
    ("options", "match"),
    [({"look": "sideways"}, "strided"), ({"heads": "many"}, "heads"), ({"hedas": 2}, "heads")],
)
def test_a_wrong_option_is_one_line_naming_it(options: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match) as refused:
        create_model("sparse-attn-net", ("x", "y"), **options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("classes", [(), ("a",), ("a", "a")])
def test_classes_must_differ(classes: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="classes"):
        create_model("tiny-cnn", classes)


def test_every_role_is_there() -> None:
    assert {entry.role for entry in MODELS} == {"method", "control", "peer"}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("heads", 7),
        ("heads", 0),
        ("width", 6),
        ("width", 0),
        ("site", 0),
        ("site", -2),
        ("site", 3),
        ("budget", 0),
        ("channels", 0),
        ("look_width", 0),
        ("frequencies", -1),
        ("random_share", 2),
        ("random_share", -1),
        ("dropout", 1),
        ("attention_layers", 0),
        ("token_layers", 0),
        ("distillation_strength", -1),
        ("look", "far"),
    ],
)
def test_options_out_of_bounds_are_one_line(option: str, value: object) -> None:
    with pytest.raises(BadInput) as refused:
        create_model("sparse-attn-net", ("a", "b"), **{option: value})
    assert "\n" not in str(refused.value)

"""Weights come from files of several forms, none of which may run code."""

from pathlib import Path

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.features.encoders.weight_files import load_weights


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("harm",)


def test_wrapped_and_prefixed(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": {"module._orig_mod.a.weight": torch.ones(2)}}, tmp_path / "a.pth")
    assert list(load_weights(tmp_path / "a.pth")) == ["a.weight"]


@pytest.mark.parametrize("value", [torch.ones(2), {}, {"a": 1}, [torch.ones(2)]])
def test_no_weights(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "a.pth")
    with pytest.raises(BadInput, match="holds no weights by name"):
        load_weights(tmp_path / "a.pth")


def test_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"a": Harmful()}, tmp_path / "a.pth")
    with pytest.raises(BadInput, match="which could run code"):
        load_weights(tmp_path / "a.pth")
    assert "harm" not in capsys.readouterr().out


def test_damaged_and_absent(tmp_path: Path) -> None:
    for name in ("a.pth", "a.safetensors"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 nonsense")
        with pytest.raises(BadInput, match=rf"{name}: cannot be opened \(.*\)\. Copy or fetch") as caught:
            load_weights(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="there is no such file"):
        load_weights(tmp_path / "b.pth")

"""A local folder comes first; the hub is asked only for what looks like owner/name and is not here."""

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from saccade.core.errors import BadInput
from saccade.imaging.preprocessing import Preprocessing
from saccade.inference.hub import find_model, load
from saccade.models import create_model
from saccade.models.packaging import save_model


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A hub that holds lab/cells and notes what it was asked for; the current folder is an empty one."""
    asked: list[str] = []
    save_model(tmp_path / "cache", create_model("tiny-cnn", ("a", "b")), Preprocessing(8, 3, (0.0,) * 3, (1.0,) * 3))

    def fetch(name: str, **options: Any) -> str:
        asked.append(name)
        assert set(options["allow_patterns"]) == {"config.json", "model.safetensors"}
        if name != "lab/cells":
            raise LocalEntryNotFoundError("Cannot find an appropriate cached snapshot folder\nand more lines")
        return str(tmp_path / "cache")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return asked


def test_a_folder_is_opened_without_the_network(hub: list[str], tmp_path: Path) -> None:
    assert load(tmp_path / "cache", "cpu").classes == ("a", "b")
    Path("lab").mkdir()
    (tmp_path / "cache").rename("lab/cells")
    assert load("lab/cells").classes == ("a", "b")
    assert hub == []


def test_a_repository_is_fetched(hub: list[str]) -> None:
    assert load("lab/cells").classes == ("a", "b")
    assert hub == ["lab/cells"]


def test_what_the_hub_does_not_give_is_one_line(hub: list[str]) -> None:
    with pytest.raises(BadInput, match="lab/nothing: there is no such folder here, and") as caught:
        load("lab/nothing")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["nothing", "/tmp/no/such", "a/b/c", "../x/y", "runs/typo"])
def test_paths_never_reach_the_network(hub: list[str], name: str) -> None:
    Path("runs").mkdir()
    with pytest.raises(BadInput, match="no such folder"):
        find_model(name)
    assert hub == []

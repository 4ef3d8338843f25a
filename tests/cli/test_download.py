"""``saccade download`` says where the file lies, and in one line why there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.core.errors import BadInput


def test_it_hands_on_what_is_asked_and_says_where_the_file_lies(
    saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetched(name: str, folder: Path, size: int, progress: Callable[[int, int], None]) -> Path:
        asked.append((name, folder, size))
        progress(1, 1)
        return folder / "bloodmnist_128.npz"

    monkeypatch.setattr("saccade.datasets.medmnist_download.download_medmnist", fetched)
    printed = saccade("download", "bloodmnist", "--size", "128", "--out", tmp_path).output
    assert asked == [("bloodmnist", tmp_path, 128)]
    assert f"fetched: {tmp_path / 'bloodmnist_128.npz'}" in printed.replace("\n", "")


def test_a_refusal_is_one_line(refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Path:
        raise BadInput("the package medmnist is not installed", "pip install it")

    monkeypatch.setattr("saccade.datasets.medmnist_download.download_medmnist", refuse)
    assert "not installed" in refused("download", "bloodmnist", "--out", tmp_path)

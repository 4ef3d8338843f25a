"""``saccade doctor`` tells what is there, and by its exit code whether it works."""

from collections.abc import Callable

import pytest

from saccade.cli import doctor


def test_this_machine_is_well(saccade: Callable) -> None:
    import torch

    printed = saccade("doctor").output
    assert torch.__version__.split("+")[0] in printed
    assert "classified two images on cpu" in printed
    assert "all is well" in printed


def test_what_fails_is_told(saccade: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise ImportError("libopenblas.so\nis missing")

    monkeypatch.setitem(doctor._PROBES, "torch", broken)
    printed = saccade("doctor", code=2).output
    assert "ImportError: libopenblas.so is missing" in printed
    assert "torch failed" in printed
    assert "image files      ok" in printed


def test_extras_are_complete_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: "missing" if name == "sphinx" else "1.0")
    lines = ["sphinx>=8.2; extra == 'docs'", "furo; extra == 'docs'", 'pytest[x]>=8; extra == "dev"', "torch>=2.6"]
    assert not doctor._has_all("docs", lines)
    assert doctor._has_all("dev", lines)

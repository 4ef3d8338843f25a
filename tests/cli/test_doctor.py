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


def test_slides_are_read(saccade: Callable) -> None:
    import openslide
    import pydicom

    printed = saccade("doctor").output
    assert f"OpenSlide {openslide.__library_version__}" in printed and f"pydicom {pydicom.__version__}" in printed


def test_other_pixels_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from saccade.imaging.slides.openslide_reader import OpenSlideReader

    read = OpenSlideReader.read_region
    monkeypatch.setattr(OpenSlideReader, "read_region", lambda *where: read(*where) ^ 1)
    with pytest.raises(RuntimeError, match="openslide came back with other pixels"):
        doctor._slides()


@pytest.mark.parametrize(("token", "words"), [("hf_secret123", "a token is set"), ("", "no token is set")])
def test_a_token_is_never_shown(monkeypatch: pytest.MonkeyPatch, token: str, words: str) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: token or None)
    printed = doctor._hub()
    assert printed.startswith(words) and "secret" not in printed


@pytest.mark.parametrize(("limit", "low"), [(64, True), (4096, False)])
def test_the_limit_of_open_files(monkeypatch: pytest.MonkeyPatch, limit: int, low: bool) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, resource.RLIM_INFINITY))
    printed = doctor._open_files()
    assert printed.startswith(f"{limit} per process, may be raised to unlimited") and ("ulimit -n" in printed) == low

"""Three kinds of trouble, each one line with its remedy, and each with a word for tables."""

import pickle

import pytest

from saccade.core.errors import BadInput
from saccade.imaging.slides.errors import MissingMpp, SlideError, UnreadableSlide, UnsupportedSlide, reason_of


def test_they_are_told_apart() -> None:
    kinds = (UnsupportedSlide, UnreadableSlide, MissingMpp)
    assert [kind.status for kind in kinds] == ["unsupported", "unreadable", "no mpp"]
    assert all(issubclass(kind, SlideError) and issubclass(kind, BadInput) for kind in kinds)


def test_a_region_is_named() -> None:
    line = str(UnreadableSlide.at("a.svs", 2, (512, 64, 224, 100), "bad\nmarker"))
    assert line.startswith("a.svs: cannot be read at x 512, y 64, level 2, 224 x 100 pixels (bad marker). ")


def test_missing_mpp_names_both_remedies() -> None:
    line = str(MissingMpp.of("a.svs", "its objective is 20x"))
    assert "the manifest's mpp column" in line and "--source-mpp" in line and "its objective is 20x" in line
    assert "\n" not in line and str(MissingMpp.of("a.svs")).startswith("a.svs: does not say")


@pytest.mark.parametrize("error", [MissingMpp.of("a.svs"), UnreadableSlide.at("a", 0, (1, 2, 3, 4), "x")])
def test_they_cross_processes(error: SlideError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and str(copy) == str(error) and copy.status == error.status


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (IndexError(0), "its directory of images is missing: the file was cut short"),
        (KeyError(256), "its directory of images lacks entry 256: the file was cut short or overwritten"),
        (IndexError("list index\nout of range"), "list index out of range"),
        (OSError(5, "Input/output error"), "[Errno 5] Input/output error"),
        (EOFError(), "EOFError"),
        (ValueError("x" * 500), "x" * 120),
    ],
)
def test_bare_numbers_are_no_reason(error: Exception, words: str) -> None:
    assert reason_of(error) == words

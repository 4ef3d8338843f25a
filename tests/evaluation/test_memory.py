"""Peak memory of a layer whose weights and batch are known, and children that fail."""

import subprocess
import sys

import pytest

from saccade.core.errors import SaccadeError
from saccade.evaluation import memory
from saccade.evaluation.memory import peak_memory_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process forget its peak")
def test_a_layer_takes_its_weights_its_images_and_its_outputs() -> None:
    width, batch = 3072, 512
    peak = peak_memory_bytes(
        "torch.nn:Linear",
        {"in_features": width, "out_features": width},
        shape=(batch, width),
        repeats=1,
        threads=1,
    )
    known = 4 * (width * width + 2 * batch * width)  # 50 MB
    assert peak is not None
    assert 0.95 * known <= peak <= 1.9 * known  # a matrix product may hold a packed copy of the weights


def test_a_child_that_fails_says_why_in_one_line() -> None:
    with pytest.raises(SaccadeError, match="no_such_argument") as caught:
        peak_memory_bytes("torch.nn:Linear", {"no_such_argument": 1}, shape=(1,), repeats=1)
    assert "\n" not in str(caught.value)


def test_the_median_of_the_children(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([30, 10, 20])
    monkeypatch.setattr(memory, "_ask_child", lambda request, timeout: next(answers))
    assert peak_memory_bytes("torch.nn:Identity", shape=(1,)) == 20


def test_one_unknown_makes_all_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([30, None, 20])
    monkeypatch.setattr(memory, "_ask_child", lambda request, timeout: next(answers))
    assert peak_memory_bytes("torch.nn:Identity", shape=(1,)) is None


def test_a_killed_child(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = subprocess.CompletedProcess([], -9, "", "")
    monkeypatch.setattr(memory.subprocess, "run", lambda *_, **__: killed)
    with pytest.raises(SaccadeError, match=r"killed by signal 9.*smaller batch"):
        peak_memory_bytes("torch.nn:Identity", shape=(1,))


def test_a_child_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(memory.subprocess, "run", late)
    with pytest.raises(SaccadeError, match="over 5 seconds"):
        peak_memory_bytes("torch.nn:Identity", shape=(1,), timeout=5.0)

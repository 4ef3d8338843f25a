"""The probe's parts, in this process."""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from saccade.evaluation import memory_probe


@pytest.fixture
def factories(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of factories that can be named."""
    module = ModuleType("made_up_factories")
    monkeypatch.setitem(sys.modules, "made_up_factories", module)
    return module


def test_lists_arrive_as_tuples(factories: ModuleType) -> None:
    seen = {}

    def factory(**arguments: object) -> nn.Module:
        seen.update(arguments)
        return nn.Identity()

    factories.factory = factory
    memory_probe.build("made_up_factories:factory", {"classes": ["a", "b"], "grid": [[1, 2], [3]], "width": 4})
    assert seen == {"classes": ("a", "b"), "grid": ((1, 2), (3,)), "width": 4}


def test_a_factory_of_several_things_gives_the_model_first(factories: ModuleType) -> None:
    model = nn.Identity()
    factories.load = lambda: (model, "preprocessing")
    assert memory_probe.build("made_up_factories:load", {}) is model


GIVEN_BACK = """
import json, sys
from saccade.evaluation import memory_probe

base, resettable = memory_probe.start()
block = bytearray(int(sys.argv[1]))
del block
memory_probe.release()
print(json.dumps([base, resettable, memory_probe.status_bytes("VmHWM"), memory_probe.status_bytes("VmRSS")]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's account of the process")
def test_a_block_that_was_given_back_is_still_in_the_peak() -> None:
    """In a process of its own: one that has freed much before may have the block lying about."""
    size = 64 * 2**20
    child = subprocess.run([sys.executable, "-c", GIVEN_BACK, str(size)], capture_output=True, text=True, check=True)
    base, resettable, peak, now = json.loads(child.stdout)
    if not resettable:
        pytest.skip("this kernel does not let a process forget its peak")
    assert peak - base >= 0.95 * size
    assert now - base < 0.5 * size


def test_without_a_peak_to_forget_the_rise_of_the_all_time_peak_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory_probe, "_CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    peaks = iter([1000, 1600, 1600, 1600])
    monkeypatch.setattr(memory_probe, "all_time_peak", lambda: next(peaks))
    risen = memory_probe.measure("torch.nn:Identity", {}, (1, 2))
    assert risen == {"base": 1000, "peak": 1600, "extra": 600}
    assert memory_probe.measure("torch.nn:Identity", {}, (1, 2))["extra"] is None


def test_without_any_account_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory_probe, "_CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    monkeypatch.setattr(memory_probe, "all_time_peak", lambda: None)
    measured = memory_probe.measure("torch.nn:Identity", {}, (1, 2))
    assert measured == {"base": None, "peak": None, "extra": None}


def test_the_all_time_peak_is_at_least_what_is_resident() -> None:
    peak = memory_probe.all_time_peak()
    if peak is None:
        pytest.skip("this system keeps no account")
    assert peak > 2**20


def test_fields_are_handed_over_as_they_are_stored() -> None:
    images = memory_probe.fields((2, 3, 40, 50))
    assert images.store.pixels.dtype == torch.uint8
    assert images.extents.tolist() == [[40, 50], [40, 50]] and images.channels == 3


@pytest.mark.parametrize("stored", [False, True])
def test_a_small_field_is_classified_before_the_base(stored: bool, factories: ModuleType) -> None:
    seen: list[tuple[int, ...]] = []

    class Notes(nn.Module):
        def forward(self, images: Any) -> None:
            seen.append(tuple(images.extents[0].tolist()) if stored else tuple(images.shape))

    factories.notes = Notes
    memory_probe.measure("made_up_factories:notes", {}, (1, 3, 400, 100), stored=stored)
    assert seen == ([(256, 100), (400, 100)] if stored else [(1, 3, 400, 100)])

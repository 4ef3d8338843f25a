"""A machine is described by what its speed depends on, and by nothing that names it."""

import json
import platform
from datetime import date
from pathlib import Path

import torch

import saccade
from saccade.evaluation.machine import describe_machine


def test_what_speed_depends_on() -> None:
    found = describe_machine()
    assert date.fromisoformat(found["date"]) <= date.today()
    assert (found["saccade"], found["torch"]) == (saccade.__version__, torch.__version__)
    assert found["threads"] == torch.get_num_threads()
    assert found["processor"] and isinstance(found["processor"], str)
    assert json.loads(json.dumps(found)) == found


def test_the_machine_stays_unnamed() -> None:
    said = json.dumps(describe_machine())
    assert str(Path.home()) not in said
    assert not platform.node() or platform.node() not in said

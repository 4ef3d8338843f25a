"""What every test may ask for."""

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

# Shared machines are slow at odd moments, and a failure must come back when it is looked for.
settings.register_profile("saccade", deadline=None, derandomize=True)
settings.load_profile("saccade")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images; goes with ``@pytest.mark.real_data``."""
    folder = Path(os.environ.get("SACCADE_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}: set SACCADE_DATA to the folder that holds pbc_cells")
    return folder.resolve()


@pytest.fixture(scope="session")
def cells(miniature: Path) -> Path:
    """Sixty made-up cells in class folders, with a manifest."""
    return miniature / "cells"


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Each test starts from the same random state, whichever ran before it."""
    random.seed(0)
    np.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes seconds and is tested by itself: peers, memory, most of the faithfulness."""
    from saccade.evaluation import assessment, slide_costs
    from saccade.report import cell_gathering, field_gathering, slide_gathering

    monkeypatch.setattr(assessment, "PEERS", {"cell": (), "field": ()})
    monkeypatch.setattr(assessment, "_peak_memory", lambda *_: 1000)
    monkeypatch.setattr(assessment, "_SPEED_ROUNDS", 1)
    monkeypatch.setattr(slide_costs, "_ROUNDS", 1)
    monkeypatch.setattr(slide_costs, "_peak_memory", lambda *_: 1000)
    monkeypatch.setattr(cell_gathering, "_PROBED", 2)
    monkeypatch.setattr(field_gathering, "_PROBED", 1)
    monkeypatch.setattr(slide_gathering, "_PROBED", 1)

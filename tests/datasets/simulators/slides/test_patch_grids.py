"""Grids of patches: features tell the kinds apart, and the rendered slide shows each patch where the grid says."""

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.datasets.simulators.slides.patch_grids import PatchGrid, describe_grid, simulate_features
from saccade.datasets.simulators.slides.rendering import SlideRenderer
from saccade.datasets.simulators.slides.tasks import TASKS


def test_features() -> None:
    grid = TASKS["shift"].draw("same", np.random.default_rng(0))
    clean = simulate_features(grid, np.random.default_rng(0), 16, noise=0.0)
    assert clean.dtype == np.float32 and clean.shape == (len(grid), 16)
    alike = clean @ clean.T
    np.testing.assert_allclose(alike, grid.kinds[:, None] == grid.kinds, atol=1e-5)
    noisy = simulate_features(grid, np.random.default_rng(1), 16, noise=0.3)
    assert np.linalg.norm(noisy - clean, axis=1).mean() == pytest.approx(0.3, rel=0.1)
    with pytest.raises(BadInput, match="dimensions"):
        simulate_features(grid, np.random.default_rng(0), 3)


@pytest.mark.parametrize("task", TASKS)
def test_every_patch_lies_where_the_grid_says(task: str) -> None:
    grid = TASKS[task].draw("same", np.random.default_rng(0))
    slide = describe_grid(grid, side=80.0, margin=2)
    middles = (grid.cells + 2.5) * 80.0
    codes = {name: code for code, name in enumerate(("stroma", "glands", "lymphocytes", "tumour", "necrosis", "fat"))}
    assert slide.kinds_at(middles).tolist() == [codes[grid.names[kind]] for kind in grid.kinds]
    assert len(slide.regions) < len(grid)
    assert slide.kinds_at(np.array([[80.0, 80.0]])).tolist() == [-1]


def test_patches_look_like_their_kinds() -> None:
    grid = PatchGrid(np.array([[0, 0], [1, 0], [0, 2]]), np.array([0, 1, 0]), "same", ("stroma", "lymphocytes"))
    slide = SlideRenderer(describe_grid(grid, side=112.0, margin=1), 0.5)
    assert (slide.height, slide.width) == (5 * 224, 4 * 224)
    blue = {}
    for column, row in [*grid.cells.tolist(), (1, 1)]:
        patch = slide.crop((column + 1) * 224 + 8, (row + 1) * 224 + 8, 208, 208).reshape(-1, 3).mean(0)
        blue[column, row] = patch[2] - patch[0]
    assert blue[1, 0] > max(blue[0, 0], blue[0, 2]) + 15 and abs(blue[1, 1]) < 5

"""The lattice under patches is found again from shuffled, sparse, jittered and misdescribed coordinates."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.ops.lattice import TOLERANCE, Lattice, grid, infer_lattice


def plain_grid(width: int, height: int, patch: int, stride: int, x0: int, y0: int) -> list[list[int]]:
    """Every corner tried."""
    rows = range(y0, max(height, y0) + 1)
    columns = range(x0, max(width, x0) + 1)
    return [
        [x, y]
        for y in rows
        for x in columns
        if (x - x0) % stride == 0 and (y - y0) % stride == 0 and x + patch <= width and y + patch <= height
    ]


def check_inverse(lattice: Lattice, coords: np.ndarray) -> None:
    """Cells are in raster order, none twice, and every row of the file finds its own."""
    assert lattice.cells.dtype == lattice.order.dtype == lattice.place.dtype == np.int64
    raster = [tuple(cell) for cell in lattice.cells[:, ::-1].tolist()]
    assert raster == sorted(set(raster))
    assert lattice.cells.min(axis=0).tolist() == [0, 0]
    assert lattice.place[lattice.order].tolist() == list(range(len(lattice)))
    assert np.abs(lattice.coords[lattice.place] - coords).max() <= TOLERANCE


@given(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(-5, 5),
    st.integers(-5, 5),
)
def test_grid_is_every_whole_patch(width: int, height: int, patch: int, stride: int, x0: int, y0: int) -> None:
    found = grid(width, height, patch, stride, (x0, y0))
    assert found.dtype == np.int64 and found.shape[1] == 2
    assert found.tolist() == plain_grid(width, height, patch, stride, x0, y0)


def test_grid_of_a_slide_smaller_than_a_patch() -> None:
    assert grid(223, 5000, 224, 224).shape == (0, 2)
    with pytest.raises(BadInput, match="at least 1"):
        grid(10, 10, 0, 1)


cells = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=3, max_size=60, unique=True)
corners = st.integers(-(2**40), 2**40)


@given(cells, st.integers(16, 3000), corners, corners)
def test_the_stride_in_the_file_is_taken_where_it_fits(
    places: list[tuple[int, int]], stride: int, x: int, y: int
) -> None:
    wanted = np.array(places) - np.min(places, axis=0)
    assume(len(places) < 4 or np.gcd.reduce(wanted.ravel()) == 1)
    coords = np.array([x, y]) + wanted * stride
    lattice = infer_lattice(coords, stride, stride)
    assert lattice.stride == stride
    assert lattice.cells[lattice.place].tolist() == wanted.tolist()
    assert (lattice.coords[lattice.place] == coords).all()
    check_inverse(lattice, coords)


@given(
    st.integers(3, 12),
    st.integers(3, 12),
    st.integers(32, 2000),
    st.floats(0.5, 1.0),
    st.sampled_from([None, "half", "double", "other"]),
    st.integers(0, 2**32 - 1),
)
def test_the_stride_is_found_whatever_the_file_says(
    columns: int, rows: int, stride: int, kept: float, told: str | None, seed: int
) -> None:
    """Half and double: the other magnification's; other: anything."""
    generator = np.random.default_rng(seed)
    coords = grid(columns * stride, rows * stride, stride, stride, (0, 0))
    coords = generator.permutation(coords)[: max(6, round(kept * len(coords)))] + generator.integers(-9999, 9999, 2)
    wanted = (coords - coords.min(axis=0)) // stride
    assume(np.gcd.reduce(wanted.ravel()) == 1)
    hint = {None: None, "half": stride / 2, "double": 2.0 * stride, "other": stride * 1.37}[told]
    patch = stride if told is None else stride + 9 * (told == "other")
    lattice = infer_lattice(coords, patch, hint)
    assert lattice.stride == stride
    assert lattice.cells[lattice.place].tolist() == wanted.tolist()
    check_inverse(lattice, coords)


def test_a_size_that_is_a_pixel_off_is_no_stride() -> None:
    coords = grid(200 * 511, 3 * 511, 511, 511)
    assert infer_lattice(coords, patch=512, stride_hint=512).stride == 511


def test_a_stride_that_is_a_fraction() -> None:
    """Coordinates kept in micrometres: 256 µm at 0.2522 µm per pixel."""
    step = 256 / 0.2522
    wanted = grid(300, 200, 1, 1)
    coords = np.rint(wanted * step).astype(np.int64)
    lattice = infer_lattice(coords, patch=round(step))
    assert lattice.stride == pytest.approx(step, abs=1e-3)
    assert (lattice.cells == wanted).all()
    assert np.abs(lattice.coords - coords).max() <= 1


@given(st.integers(0, 2**32 - 1))
def test_rounding_jitter_is_rounded_away(seed: int) -> None:
    generator = np.random.default_rng(seed)
    wanted = grid(20, 20, 1, 1)
    coords = wanted * 224 + generator.integers(-1, 2, wanted.shape)
    lattice = infer_lattice(generator.permutation(coords), 224)
    assert (lattice.cells == wanted).all()
    assert lattice.stride == pytest.approx(224, abs=0.1)


def test_jitter_to_both_sides_of_the_first_patch() -> None:
    generator = np.random.default_rng(0)
    wanted = grid(20, 20, 1, 1)
    coords = wanted * 224 + generator.choice([-2, 0, 2, 2, 2], wanted.shape)
    coords[0] = 0
    lattice = infer_lattice(coords, 224)
    assert lattice.moved == 0 and (lattice.cells == wanted).all()


def test_overlap() -> None:
    coords = grid(3000, 3000, 448, 224)
    assert infer_lattice(coords, 448).stride == 224
    with pytest.raises(BadInput, match="overlap by 168, which does not divide"):
        infer_lattice(grid(3000, 3000, 448, 280), 448, 280)
    assert infer_lattice(grid(3000, 3000, 256, 192), 256).stride == 192  # by a quarter


@pytest.mark.parametrize("hint", [None, 300])
def test_no_patch_and_one(hint: int | None) -> None:
    none = infer_lattice(np.empty((0, 2), np.int64), 224, hint)
    assert none.cells.shape == (0, 2) and none.coords.shape == (0, 2)
    assert none.stride == (hint or 224)
    one = infer_lattice(np.array([[-70, 5]]), 224, hint)
    assert one.origin == (-70, 5) and one.cells.tolist() == [[0, 0]] and one.coords.tolist() == [[-70, 5]]


@pytest.mark.parametrize(
    ("coords", "hint", "stride", "wanted"),
    [
        ([[0, 0], [672, 224]], None, 224, [[0, 0], [3, 1]]),
        ([[0, 672], [224, 0]], 224, 224, [[0, 3], [1, 0]]),
        ([[5, 5], [305, 5]], None, 300, [[0, 0], [1, 0]]),  # neither says 224: their distance is all there is
    ],
)
def test_two_patches(coords: list[list[int]], hint: int | None, stride: int, wanted: list[list[int]]) -> None:
    lattice = infer_lattice(np.array(coords), 224, hint)
    assert lattice.stride == stride
    assert lattice.cells[lattice.place].tolist() == wanted


def test_some_strays_are_rounded_and_counted() -> None:
    coords = grid(20 * 224, 20 * 224, 224, 224)
    coords[[7, 123]] += 5
    lattice = infer_lattice(coords, 224)
    assert (lattice.moved, lattice.merged, len(lattice)) == (2, 0, 400)
    coords[:5] += 40
    with pytest.raises(
        BadInput, match=r"7 of 400 patches \(1\.8%\) lie off the lattice of stride 224.*row 0 at 40, 40"
    ):
        infer_lattice(coords, 224)


def test_twice_in_one_place() -> None:
    coords = grid(20 * 224, 20 * 224, 224, 224)
    coords[3] = coords[2] + 1
    with pytest.raises(BadInput, match=r"1 of 400 patches share a place.*rows 2 and 3.*data.snap=nearest"):
        infer_lattice(coords, 224)
    lattice = infer_lattice(coords, 224, snap="nearest")
    assert (lattice.merged, len(lattice)) == (1, 399)
    assert lattice.place[3] == lattice.place[2]
    assert 3 not in lattice.order, "the nearer one stays"


def test_snapping_contours_to_one_lattice() -> None:
    """A tool that starts a new grid at each contour: the larger one gives the lattice, the other moves to it."""
    large, small = grid(30 * 512, 20 * 512, 512, 512), grid(4 * 512, 4 * 512, 512, 512)
    coords = np.concatenate([small + np.array([30 * 512 + 100, 77]), large])
    with pytest.raises(BadInput, match="data.snap=nearest"):
        infer_lattice(coords, 512, 512)
    lattice = infer_lattice(coords, 512, 512, snap="nearest")
    assert (lattice.moved, lattice.merged) == (16, 0)
    assert np.abs(lattice.coords[lattice.place] - coords)[16:].max() == 0
    assert np.abs(lattice.coords[lattice.place] - coords).max() <= 256
    assert lattice.origin == (0, 0)


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_snapping_anything(count: int, seed: int) -> None:
    """Whatever is handed in, each patch moves at most half a stride, and the nearest of those that meet stays."""
    coords = np.random.default_rng(seed).integers(-5000, 5000, (count, 2))
    lattice = infer_lattice(coords, 10, 10, snap="nearest")
    off = np.abs(lattice.coords[lattice.place] - coords).max(axis=1)
    assert off.max() <= lattice.stride / 2 + 1
    assert len(lattice) + lattice.merged == count
    for row in range(count):
        assert off[row] >= off[lattice.order[lattice.place[row]]]


def test_what_makes_no_sense() -> None:
    with pytest.raises(BadInput, match="positive"):
        infer_lattice(np.zeros((1, 2), int), 0)
    with pytest.raises(BadInput, match="unit"):
        infer_lattice(np.array([[0, 2**60]]), 224)


def test_no_canvas() -> None:
    """Two pieces of tissue a thousand million pixels apart cost no more than two side by side."""
    piece = grid(5 * 224, 5 * 224, 224, 224)
    coords = np.concatenate([piece, piece + 224 * 10**9])
    lattice = infer_lattice(coords, 224)
    assert (lattice.coords == coords).all()
    assert lattice.cells[-1].tolist() == [10**9 + 4, 10**9 + 4]


@given(st.integers(3, 12), st.integers(3, 12), st.integers(32, 2000), st.floats(0.5, 1.0), st.integers(0, 2**32 - 1))
def test_where_nothing_is_told_the_coordinates_tell(
    columns: int, rows: int, stride: int, kept: float, seed: int
) -> None:
    """As with files of CLAM's, which hold places and not a word about them; the patches are then taken to touch."""
    generator = np.random.default_rng(seed)
    coords = generator.permutation(grid(columns * stride, rows * stride, stride, stride))
    coords = coords[: max(6, round(kept * len(coords)))] + generator.integers(-9999, 9999, 2)
    wanted = (coords - coords.min(axis=0)) // stride
    assume(np.gcd.reduce(wanted.ravel()) == 1)
    lattice = infer_lattice(coords, None)
    assert lattice.stride == lattice.patch == stride
    assert lattice.cells[lattice.place].tolist() == wanted.tolist()
    check_inverse(lattice, coords)


def test_without_a_word_about_one_patch_or_none() -> None:
    none = infer_lattice(np.empty((0, 2), np.int64), None)
    assert (len(none), none.stride, none.patch) == (0, 1, 1)
    with pytest.raises(BadInput, match=r"^one patch alone does not tell how far apart .* nothing else does\. Embed"):
        infer_lattice(np.array([[7, 5]]), None)
    with pytest.raises(BadInput, match=r"^3 patches in one place do not tell"):
        infer_lattice(np.array([[7, 5], [8, 5], [7, 5]]), None, snap="nearest")
    assert infer_lattice(np.array([[7, 5]]), None, 224).patch == 224


def test_contours_that_begin_at_a_fine_step_are_not_taken_for_a_fine_lattice() -> None:
    """All fit the step, which a few patches are apart; where the patch's size is told, the overlap gives it away."""
    pieces = [grid(8 * 256, 8 * 256, 256, 256) + np.array([n * (9 * 256 + 64), n * 64]) for n in range(4)]
    coords = np.concatenate([*pieces, pieces[0][:2] + np.array([64, 9 * 256]), pieces[0][:2] + np.array([0, 9 * 256])])
    for patch in (None, 256):
        with pytest.raises(BadInput):
            infer_lattice(coords, patch)
    lattice = infer_lattice(coords, None, snap="nearest")
    assert (lattice.stride, lattice.patch) == (256, 256)

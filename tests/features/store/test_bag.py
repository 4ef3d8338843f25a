"""A bag refuses values no model could use, and says what it lacks."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.features.store import open_bag
from saccade.features.store.bag import Bag, Features
from saccade.features.store.stored import StoredFeatures


def save(path: Path, features: np.ndarray) -> Bag:
    with h5py.File(path, "w") as file:
        file["feats"] = features
        file["cords"] = np.zeros((len(features), 2), int)
    return open_bag(path)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    features = np.ones((9000, 2), np.float32)
    features[5000, 1] = np.nan
    features[5001:5003] = -np.inf
    bag = save(tmp_path / "a.h5", features)
    with pytest.raises(BadInput, match=r"a\.h5: the features of row 5000 are not finite \(and of 2 more\)\. Embed"):
        bag.load()
    with pytest.raises(BadInput, match="row 5000 are not finite"):
        bag.check()
    assert np.isnan(bag.features[5000][1])  # whoever asks for rows gets them as they are
    features[5001:5003] = 1
    with pytest.raises(BadInput, match=r"row 5000 are not finite\. "):
        save(tmp_path / "b.h5", features).check()


def test_load_is_a_copy_in_single_precision(tmp_path: Path) -> None:
    for kind in (np.float16, np.float32, np.float64):
        bag = save(tmp_path / f"{np.dtype(kind).name}.h5", np.full((3, 2), 1.5, kind))
        loaded = bag.load()
        assert loaded.dtype == np.float32 and loaded.flags.writeable and (loaded == 1.5).all()
        assert isinstance(bag.features, Features) and isinstance(bag.features, StoredFeatures)
        assert len(bag) == 3 and bag.dim == 2


def test_missing_coordinates_are_told_when_asked_for(tmp_path: Path) -> None:
    stored = save(tmp_path / "a.h5", np.ones((3, 2), np.float32))
    bag = Bag(stored.path, "clam-pt", stored.features, None, BadInput("lacks them", "find them", "a.pt"))
    assert bag.load().shape == (3, 2)
    with pytest.raises(BadInput, match="^a.pt: lacks them. Find them$"):
        bag.coords  # noqa: B018


def contours(path: Path, **changes: object) -> Bag:
    """Two contours, each with a lattice of its own, 60 base pixels apart: what older tools write."""
    corners = np.stack(np.meshgrid(np.arange(6), np.arange(6)), axis=-1).reshape(-1, 2) * 224
    bag = save(path, np.ones((72, 2), np.float32))
    told: dict[str, object] = {"patch_size_level0": 224, "stride_hint": 224}
    return replace(bag, places=np.concatenate([corners, corners + np.array([6 * 224 + 60, 60])]), **(told | changes))


def test_patches_of_no_lattice_are_refused_unless_they_may_be_moved(tmp_path: Path) -> None:
    bag = contours(tmp_path / "a.h5")
    with pytest.raises(BadInput, match=r"a\.h5: 36 of 72 patches .* lie off the lattice.*data.snap=nearest"):
        bag.lattice()
    lattice = bag.lattice("nearest")
    assert lattice.moved == 36 and len(lattice) + lattice.merged == 72


def test_what_the_file_does_not_tell_the_coordinates_do(tmp_path: Path) -> None:
    assert contours(tmp_path / "a.h5", patch_size_level0=None).lattice("nearest").stride == 224
    untold: dict[str, object] = {"patch_size_level0": None, "stride_hint": None}
    with pytest.raises(BadInput, match=r"a\.h5: 36 of 72 patches .* lie off the lattice of stride 224"):
        contours(tmp_path / "a.h5", **untold).lattice()
    lattice = contours(tmp_path / "a.h5", **untold).lattice("nearest")
    assert (lattice.stride, lattice.patch, lattice.moved) == (224, 224, 36)


@pytest.mark.parametrize(("count", "words"), [(1, "one patch alone does"), (3, "3 patches in one place do")])
def test_a_bag_that_tells_no_lattice_at_all(tmp_path: Path, count: int, words: str) -> None:
    bag = replace(save(tmp_path / "a.h5", np.ones((count, 2), np.float32)), patch_size_level0=None, stride_hint=None)
    with pytest.raises(BadInput, match=rf"a\.h5: {words} not tell how far apart.*\. Embed the slide again"):
        bag.lattice()


def test_a_bag_without_places_has_no_lattice_for_that_reason(tmp_path: Path) -> None:
    stored = save(tmp_path / "a.h5", np.ones((3, 2), np.float32))
    bag = Bag(stored.path, "stamp", stored.features, None, BadInput("lacks them", "find them", "a.h5"))
    with pytest.raises(BadInput, match=r"^a\.h5: lacks them\. Find them$"):
        bag.lattice()

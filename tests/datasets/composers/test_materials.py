"""Materials: nothing is in two parts, and a split of their own is kept."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.core.errors import BadInput
from saccade.datasets.composers.materials import (
    SIMULATED,
    Material,
    open_backgrounds,
    open_crops,
    simulated_backgrounds,
    simulated_crops,
)


def assert_parts_apart(materials: tuple[Material, ...]) -> None:
    parts = defaultdict(set)
    for each in materials:
        parts[each.case].add(each.part)
        parts[each.name].add(each.part)
    assert materials and all(len(found) == 1 for found in parts.values())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for index in range(8):
        Image.fromarray(np.full((12, 10), 20 * index, np.uint8)).save(tmp_path / f"{index}.png")
    return tmp_path


def test_crops_are_split_by_case(cells: Path) -> None:
    for source in (cells, cells / "manifest.csv"):
        crops = open_crops(source)
        assert_parts_apart(crops)
        assert {crop.part for crop in crops} == {"train", "val", "test"}
        assert crops[0].load().shape == (32, 32, 3)
    assert [crop.part for crop in open_crops(cells, seed=1)] != [crop.part for crop in open_crops(cells, seed=2)]


def test_backgrounds_of_a_folder(pictures: Path) -> None:
    backgrounds = open_backgrounds(pictures)
    assert_parts_apart(backgrounds)
    assert {each.part for each in backgrounds} == {"train", "val", "test"}
    assert backgrounds[2].load().tolist() == np.full((12, 10, 3), 40).tolist()  # grey becomes RGB


def test_own_split_is_kept(pictures: Path) -> None:
    parts = ["train", "test"] * 4
    rows = [f"{index}.png,smear,c{index % 2},{part}" for index, part in enumerate(parts)]
    table = pictures / "manifest.csv"
    table.write_text("\n".join(["path,label,case_id,split", *rows]))
    for source in (table, pictures):
        assert [each.part for each in open_backgrounds(source)] == parts
    table.write_text("\n".join(["path,label,case_id,split", *rows[:-1], "7.png,smear,c1,"]))
    with pytest.raises(BadInput, match=r"7\.png \(row 9\): does not say which part"):
        open_backgrounds(table)
    table.write_text("\n".join(["path,label,case_id,split", *rows[:-1], "7.png,smear,c0,test"]))
    with pytest.raises(BadInput, match="case 'c0' is in test, but in train"):
        open_backgrounds(table)


def test_unusable_files_are_named(pictures: Path, cells: Path) -> None:
    (pictures / "0.png").write_bytes(b"not a picture")
    with pytest.raises(BadInput, match=r"0\.png: holds no PNG"):
        open_backgrounds(pictures)[0].load()
    Image.fromarray(np.zeros((5, 5), np.uint16)).save(pictures / "1.png")
    with pytest.raises(BadInput, match=r"1\.png: has 1 channels of uint16"):
        open_backgrounds(pictures)[1].load()
    with pytest.raises(BadInput, match="bloodmnist.npz: holds many images in one file"):
        open_crops(cells.parent / "bloodmnist.npz")


def test_simulated() -> None:
    crops, backgrounds = simulated_crops(), simulated_backgrounds()
    assert_parts_apart(crops)
    assert_parts_apart(backgrounds)
    assert len(crops) == 5 * sum(SIMULATED.values())
    assert (crops[0].load() == simulated_crops()[0].load()).all()
    assert (crops[0].load() != simulated_crops(1)[0].load()).any()
    assert all("simulated" in each.name and "simulated" in each.case for each in (*crops, *backgrounds))

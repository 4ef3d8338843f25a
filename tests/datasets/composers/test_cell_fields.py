"""Composed fields: the truth is true, the parts are apart, and the pasting does not give the needle away."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.core.errors import BadInput
from saccade.core.manifest import load_manifest
from saccade.datasets.boxes import boxes_beside, needles_of
from saccade.datasets.composers import cell_fields
from saccade.datasets.composers.cell_fields import CLASSES, CellFields, compose_fields
from saccade.datasets.composers.materials import (
    Material,
    open_backgrounds,
    open_crops,
    simulated_backgrounds,
    simulated_crops,
)
from saccade.datasets.composers.pasting import Box, Canvas, Corner, Patch
from saccade.datasets.composers.smears import prepare_smear
from saccade.imaging.image_files import load_image


@pytest.fixture(scope="module")
def crops() -> tuple[Material, ...]:
    return simulated_crops(side=96)


@pytest.fixture(scope="module")
def backgrounds() -> tuple[Material, ...]:
    return simulated_backgrounds(side=256)


@pytest.fixture(scope="module")
def plain(crops: tuple[Material, ...], backgrounds: tuple[Material, ...]) -> CellFields:
    return CellFields(crops, backgrounds, size=420)


@pytest.fixture(scope="module")
def crowded(crops: tuple[Material, ...], backgrounds: tuple[Material, ...]) -> CellFields:
    return CellFields(crops, backgrounds, size=640, distractors=3)


def test_what_a_field_holds(plain: CellFields, crowded: CellFields) -> None:
    for fields, distractors in ((plain, 0), (crowded, 3)):
        for index, field in enumerate(fields.fields("val", 8)):
            kinds = Counter(marked.kind for marked in field.boxes)
            assert kinds["needle"] == 1 and kinds["distractor"] == distractors and kinds["decoy"] >= 1
            assert field.label == field.boxes[0].label == CLASSES[index % 4]
            assert {m.label for m in field.boxes if m.kind == "distractor"} <= {"basophil"}
            assert field.part == "val" and field.case_id.startswith("simulated-val")
            for marked in field.boxes:
                x0, y0, x1, y1 = marked.box
                assert 0 <= x0 < x1 <= fields.size and 0 <= y0 < y1 <= fields.size
                assert 60 <= max(x1 - x0, y1 - y0) <= 108  # turning changes what is across


def test_the_needle_is_in_its_box(plain: CellFields) -> None:
    """Nothing else in a plain field is as dark as a nucleus over so large an area."""
    for field in plain.fields("train", 8):
        (x0, y0, x1, y1) = field.boxes_of("needle")[0]
        glass = np.quantile(field.image, 0.9, axis=(0, 1))
        dark = (field.image < 0.45 * glass).any(2)
        within = dark[y0:y1, x0:x1].sum()
        assert within > 0.1 * (y1 - y0) * (x1 - x0)
        assert within > 0.6 * dark.sum()


def test_only_one_field_is_drawn_for(plain: CellFields, crops: tuple[Material, ...], backgrounds) -> None:
    alone = CellFields(crops, backgrounds, size=420).field("train", 5)
    after_others = list(plain.fields("train", 6))[5]
    assert (alone.image == after_others.image).all() and alone.boxes == after_others.boxes
    other = CellFields(crops, backgrounds, size=420, seed=1).field("train", 5)
    assert other.boxes != alone.boxes
    assert plain.field("val", 5).boxes != alone.boxes


def test_crops_and_backgrounds_of_one_part_only(crops: tuple[Material, ...], backgrounds) -> None:
    used: list[str] = []

    def noted(material: Material) -> Material:
        def load() -> np.ndarray:
            used.append(material.part)
            return material.load()

        return replace(material, load=load)

    for part in ("train", "test"):
        fields = CellFields([*map(noted, crops)], [*map(noted, backgrounds)], size=420, distractors=1)
        used.clear()
        list(fields.fields(part, 4))
        assert set(used) == {part} and len(used) >= 8


def test_every_crop_gets_its_turn(crops: tuple[Material, ...], backgrounds) -> None:
    few = [crop for crop in crops if crop.part == "val" and crop.label in CLASSES[:2]]
    fields = CellFields(few, backgrounds, CLASSES[:2], size=420)
    taken = Counter(fields._stock.cell_of("val", CLASSES[0], index)[0].name for index in range(10))
    assert set(taken.values()) == {1}


def check_seams(fields: CellFields, monkeypatch: pytest.MonkeyPatch, count: int = 24) -> None:
    """On the glass just outside a mask, needles and decoys leave the same fine grain and the same colour."""
    seen: dict[tuple[int, ...], tuple[float, float]] = {}
    paste = cell_fields.paste

    def measured(canvas: Canvas, patch: Patch, corner: Corner, rng: np.random.Generator) -> Box:
        box = paste(canvas, patch, corner, rng)
        (top, left), (height, width) = corner, patch.mask.shape
        pixels = canvas.smear.image[top : top + height, left : left + width].astype(float)
        rim = (patch.mask > 1e-4) & (patch.mask < 0.03)
        rim &= (np.abs(pixels - canvas.smear.glass) < 15).all(2)
        grain = np.abs(np.diff(pixels, axis=0))[rim[1:]].mean() / canvas.smear.grain.mean()
        seen[box] = (float(grain), float((pixels - canvas.smear.glass)[rim].mean()))
        return box

    monkeypatch.setattr(cell_fields, "paste", measured)
    found: dict[str, list[tuple[float, float]]] = {"needle": [], "decoy": []}
    for field in fields.fields("train", count):
        for marked in field.boxes:
            found[marked.kind].append(seen[marked.box])
    needles, decoys = (np.array(found[kind])[:, None] for kind in ("needle", "decoy"))
    ranks = (needles > decoys.transpose(1, 0, 2)).mean((0, 1))  # AUROC of telling one from the other, by each measure
    assert len(needles) == count and len(decoys) > 1.25 * count
    assert (np.abs(ranks - 0.5) < 0.25).all(), ranks
    assert abs(np.median(needles[..., 1])) < 1.5  # grey values: no halo


def test_the_seam_does_not_give_the_needle_away(
    crops: tuple[Material, ...], backgrounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_seams(CellFields(crops, backgrounds, size=420, decoys=2), monkeypatch)


@pytest.mark.real_data
@pytest.mark.parametrize("smears", ["simulated", "real"])
def test_the_seam_of_real_cells_does_not_give_them_away(
    smears: str, backgrounds: tuple[Material, ...], real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if smears == "real":
        backgrounds = open_backgrounds(real_data / "rbc_fields" / "images")
    check_seams(CellFields(open_crops(real_data / "pbc_cells"), backgrounds, size=420, decoys=2), monkeypatch)


def test_on_disk(tmp_path: Path) -> None:
    told = []
    manifest_path = compose_fields(
        tmp_path / "set",
        counts={"train": 4, "test": 2},
        size=256,
        decoys=1,
        progress=lambda done, total: told.append((done, total)),
    )
    manifest = load_manifest(manifest_path)
    boxes = boxes_beside(manifest) or {}
    assert [row.split for row in manifest.rows] == ["train"] * 4 + ["test"] * 2
    assert told[-1] == (6, 6)
    assert all(len(needles_of(boxes[row.name])) == 1 for row in manifest.rows)
    in_memory = CellFields(simulated_crops(), simulated_backgrounds(), size=256, decoys=1).field("train", 1)
    assert (load_image(manifest.rows[1].path) == in_memory.image).all()


def test_crops_from_files_on_simulated_smears(cells: Path) -> None:
    """Small crops, drawn by hand: 32 pixels, of cells 20 pixels across."""
    fields = CellFields(open_crops(cells), simulated_backgrounds(side=200), size=300, cell=(40, 50))
    assert fields.field("train", 0).label == "eosinophil"
    with pytest.raises(BadInput, match=r"_\d\d\.png: the cell is \d+ pixels across, too few to be enlarged to 120"):
        CellFields(open_crops(cells), simulated_backgrounds(side=200), size=512, cell=(120, 130)).field("train", 0)


def test_odd_wishes(crops: tuple[Material, ...], backgrounds) -> None:
    for options, message in (
        ({"classes": ("lymphocyte", "blast")}, "no crops of class 'blast'.*Choose among basophil"),
        ({"classes": ("lymphocyte",)}, "make no task"),
        ({"classes": ("lymphocyte", "lymphocyte")}, "make no task"),
        ({"distractors": 1, "distractor_classes": ("lymphocyte",)}, "of the task and a distractor"),
        ({"distractors": 1, "distractor_classes": ()}, "no class is left for distractors"),
        ({"distractors": 1, "distractor_classes": ("blast",)}, "no crops of class 'blast'"),
        ({"size": 100}, "cells of 70 to 100 pixels do not fit fields of 100"),
        ({"cell": (90, 80)}, "do not fit"),
    ):
        with pytest.raises(BadInput, match=message):
            CellFields(crops, backgrounds, **options)
    with pytest.raises(BadInput, match="no room for 5 cells in a field of 220 pixels"):
        CellFields(crops, backgrounds, size=220, distractors=4).field("train", 0)


def test_parts_that_lack_something(crops: tuple[Material, ...], backgrounds) -> None:
    trained = [crop for crop in crops if crop.part == "train" or crop.label != "monocyte"]
    with pytest.raises(BadInput, match="the class 'monocyte' has no crops in the part 'val'"):
        CellFields(trained, backgrounds, size=420).field("val", 2)
    with pytest.raises(BadInput, match="no background in the part 'test'"):
        CellFields(crops, [each for each in backgrounds if each.part == "train"], size=420).field("test", 0)
    empty = [replace(crop, load=lambda: np.full((64, 64, 3), 200, np.uint8)) for crop in crops]
    with pytest.raises(BadInput, match="no cell could be cut out of the 40 crops of class 'eosinophil'"):
        CellFields(empty, backgrounds, size=420).field("train", 0)


def test_grey_and_empty_backgrounds(crops: tuple[Material, ...]) -> None:
    for value in (60, 200):
        grey = [
            Material(part, "", part, part, lambda value=value: np.full((90, 120, 3), value, np.uint8))
            for part in ("train", "val")
        ]
        field = CellFields(crops, grey, size=256).field("train", 1)
        assert prepare_smear(grey[0].load(), np.random.default_rng(0)).red_cell == 0
        outside = np.ones((256, 256), bool)
        for marked in field.boxes:
            x0, y0, x1, y1 = marked.box
            outside[y0 - 5 : y1 + 5, x0 - 5 : x1 + 5] = False
        assert (field.image[outside] == value).all()


@pytest.mark.real_data
def test_real_fields(real_data: Path) -> None:
    """Crops of one laboratory on smears of another, as the issue asks for."""
    crops, smears = open_crops(real_data / "pbc_cells"), open_backgrounds(real_data / "rbc_fields" / "images")
    assert Counter(crop.part for crop in crops) == {"train": 2240, "val": 320, "test": 640}
    others = ("basophil", "erythroblast", "ig")
    fields = CellFields(crops, smears, distractors=3, distractor_classes=others)
    for field in fields.fields("test", 4):
        assert field.image.shape == (1024, 1024, 3) and len(field.boxes) == 7
        x0, y0, x1, y1 = field.boxes_of("needle")[0]
        inside, glass = field.image[y0:y1, x0:x1], np.quantile(field.image, 0.8, axis=(0, 1))
        assert (inside < 0.6 * glass).any(2).mean() > 0.05

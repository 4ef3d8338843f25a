"""Slides with annotations: labels made once, parts to learn from and to judge by, one line for what is wrong."""

from pathlib import Path

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.datasets.patch_truth import PatchRules
from saccade.datasets.slide_segmentation import SegmentationData, open_segmentation_data
from tests.miniature_annotated import CLASSES, PATCH, SIDE, make_annotated, outline, write_outlines

RULES = PatchRules(CLASSES, ignored=("tissue",))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return make_annotated(tmp_path, {"train": 5, "val": 3, "test": 3})


def opened(table: Path, rules: PatchRules = RULES, **options: object) -> SegmentationData:
    return open_segmentation_data(table, table.parent / "job", rules, **options)  # type: ignore[arg-type]


def test_every_patch_of_an_annotated_slide_has_a_class(table: Path) -> None:
    data = opened(table)
    assert data.classes == CLASSES and len(data) == 11
    for number, labels in enumerate(data.labels.slides):
        features = data.shelf[number].features
        if data.rows[number].annotation_path is None:
            assert (labels == -1).all()
        else:
            marked = features[:, 0] > (features[:, 0].min() + features[:, 0].max()) / 2
            assert labels.tolist() == marked.long().tolist()
    part = data.part("val")
    assert part.labels.joined.equal(torch.cat([data.take([number]).labels.joined for number in (5, 6, 7)]))
    assert sum(part.labels.counts(2)) == 3 * SIDE**2


def test_slides_without_annotation_are_told_and_rules_are_kept(table: Path) -> None:
    data = opened(table)
    assert data.notes == ("1 of 11 slides have no annotation: their patches count nowhere",)
    assert data.facts == {"patch_rules": {"ignored": ["tissue"], "overlap": 0.2}}


def test_a_drawn_split_shares_out_the_annotated(table: Path) -> None:
    lines = table.read_text().splitlines()
    for part in ("train", "val", "test"):
        lines = [line.replace(f",{part},", ",,") for line in lines]
    table.write_text("\n".join(lines))
    data = opened(table, fractions=(0.5, 0.25, 0.25))
    told = [data.part(part).labels.told for part in ("train", "val", "test")]
    assert sum(told) == 10 and min(told) >= 2


def test_a_set_or_a_part_without_annotations_is_refused(table: Path) -> None:
    whole = table.read_text()
    lines = [line.rsplit(",", 1)[0] for line in whole.splitlines()]
    table.write_text("\n".join(lines))
    with pytest.raises(BadInput, match="none of its 11 slides has an annotation. Name GeoJSON"):
        opened(table)
    lines = [line if ",val," not in line else line.rsplit(",", 1)[0] + "," for line in whole.splitlines()]
    table.write_text("\n".join(lines))
    with pytest.raises(BadInput, match="part 'val': not a single patch of its slides has a class"):
        opened(table, parts=("train", "val"))


def test_one_class_alone_cannot_be_learned(table: Path) -> None:
    for path in (table.parent / "annotations").glob("train_*.geojson"):
        write_outlines(path)
    (table.parent / "annotations" / "train_2.csv").write_text("x,y,label\n0,0,normal\n")
    with pytest.raises(BadInput, match="all labelled patches are of the class 'normal'. Check the names"):
        opened(table)


def test_what_is_wrong_with_an_annotation_is_one_line(table: Path) -> None:
    path = table.parent / "annotations" / "train_0.geojson"
    write_outlines(path, outline(0, 0, PATCH, PATCH, "stroma"))
    with pytest.raises(BadInput, match="train_0.geojson: an outline is called 'stroma'"):
        opened(table)
    path.write_text("no JSON")
    with pytest.raises(BadInput, match="train_0.geojson: is no JSON"):
        opened(table)
    path.unlink()
    with pytest.raises(BadInput, match="train_0.geojson: there is no such file"):
        opened(table)

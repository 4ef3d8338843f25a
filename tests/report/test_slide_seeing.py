"""Slides as a report sees them: with file and annotation where they are, and without where they are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.features.store import BagAttributes, BagWriter, open_bag
from saccade.report.slide_seeing import annotated, see_slide, slide_at_hand
from tests.miniature_slides import DIM
from tests.report.miniature_slide_files import PATCH, slide_images, slide_predictor


def test_everything_at_hand(tmp_path: Path) -> None:
    normal, tumour = slide_images(tmp_path, 2)
    predictor = slide_predictor()
    with see_slide(predictor, tumour) as seen:
        assert seen is not None and seen.slide is not None
        assert (seen.slide.width, seen.slide.mpp.value) == (4 * PATCH, 0.25)
        assert len(seen.region) == 1 and seen.region[0].outer.max() == 2 * PATCH
        result = predictor.predict([str(tumour.bag)])[0]
        assert seen.prediction.logits.equal(result.or_raise().prediction.logits)  # pyright: ignore
    with see_slide(predictor, normal) as seen:
        assert seen is not None and seen.region == [], "a fold is not the slide's class"


@pytest.mark.parametrize("left", [None, b"no picture"])
def test_a_file_that_is_gone_or_damaged_is_not_at_hand(tmp_path: Path, left: bytes | None) -> None:
    image = slide_images(tmp_path, 1)[0]
    stored = open_bag(str(image.bag))
    slide = slide_at_hand(stored)
    assert slide is not None
    slide.close()
    (tmp_path / "slide.png").unlink()
    if left is not None:
        (tmp_path / "slide.png").write_bytes(left)
    assert slide_at_hand(stored) is None
    assert slide_at_hand(replace(stored, provenance={})) is None


def test_an_annotation_that_is_gone_shows_nothing(tmp_path: Path) -> None:
    _, tumour = slide_images(tmp_path, 2)
    stored = open_bag(str(tumour.bag))
    assert len(annotated(tumour, None, stored)) == 1
    (tmp_path / "s1.geojson").unlink()
    assert annotated(tumour, None, stored) == []
    assert annotated(replace(tumour, row=replace(tumour.row, annotation_path=None)), None, stored) == []


def test_a_bag_without_patches_is_passed_over(tmp_path: Path) -> None:
    image = slide_images(tmp_path, 1)[0]
    told = BagAttributes("s0.svs", patch_size=224, patch_size_level0=448, mpp=0.5, source_mpp=0.25, encoder="made-up")
    empty = tmp_path / "empty.h5"
    with BagWriter(empty, rows=0, dim=DIM, coords=np.empty((0, 2), np.int64), attributes=told):
        pass
    with see_slide(slide_predictor(), replace(image, bag=empty)) as seen:
        assert seen is None

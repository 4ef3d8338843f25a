"""The corner that QuPath counts from: of the slide's own file, else what a bag noted of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from saccade.features.qupath import qupath_offset
from saccade.features.store import Bag, BagAttributes, BagWriter, open_bag
from saccade.imaging.slides import open_slide
from tests.slide_files import pyramid, write_png


def bag_with(path: Path, extra: dict) -> Bag:
    told = BagAttributes("s.mrxs", 224, 224, 0.5, 0.5, extra=extra)
    with BagWriter(path, rows=1, dim=2, coords=np.array([[0, 0]]), attributes=told) as writer:
        writer.put(0, np.ones((1, 2), np.float32))
    return open_bag(path)


def test_where_qupath_counts_from(tmp_path: Path) -> None:
    slide = open_slide(write_png(tmp_path / "a.png", pyramid()))
    cropped = replace(slide, facts=replace(slide.facts, bounds=(40, 30, 200, 100)))
    bag = bag_with(tmp_path / "a.h5", {"bounds": [400, 300, 2000, 1000]})
    assert qupath_offset() == qupath_offset(slide) == (0, 0)
    assert qupath_offset(cropped, bag) == (40, 30), "the file itself knows better"
    assert qupath_offset(stored=bag) == (400, 300)
    assert qupath_offset(slide, bag) == (0, 0)
    assert qupath_offset(stored=bag_with(tmp_path / "b.h5", {})) == (0, 0)
    for foreign in ({}, {"extra": "text"}, {"extra": "[1]"}, {"extra": '{"bounds": null}'}, {"extra": 3.0}):
        assert qupath_offset(stored=replace(bag, provenance=foreign)) == (0, 0)

"""The table of a slide's patches as another program opens it."""

import csv
from pathlib import Path

import numpy as np

from saccade.explanation.slide_sites import SlideSites
from saccade.explanation.slide_tables import COLUMNS, write_slide_table


def test_heaviest_first(tmp_path: Path) -> None:
    boxes = np.array([[0.0, 0, 224, 224], [1e8, 224.125, 1e8 + 448, 672.125], [448, 0, 672, 224]])
    sites = SlideSites(boxes, np.array([0.25, 0.7, 0.05]), np.array([-0.125, 1 / 3, 0.0]))
    write_slide_table(tmp_path / "a" / "s_sites.csv", sites)
    rows = list(csv.reader((tmp_path / "a" / "s_sites.csv").open(newline="")))
    assert rows[0] == list(COLUMNS) == ["x", "y", "width", "height", "weight", "signed", "rank"]
    assert rows[1] == ["100000000", "224.125", "448", "448", "0.7", "0.333333", "1"]
    assert rows[2] == ["0", "0", "224", "224", "0.25", "-0.125", "2"]
    assert rows[3][-3:] == ["0.05", "0", "3"]


def test_a_slide_without_patches(tmp_path: Path) -> None:
    write_slide_table(tmp_path / "s.csv", SlideSites(np.empty((0, 4)), np.empty(0), np.empty(0)))
    assert (tmp_path / "s.csv").read_text() == ",".join(COLUMNS) + "\n"

"""Site tables as another program opens them."""

import csv
from pathlib import Path

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.core.results import Sites
from saccade.explanation.site_tables import COLUMNS, write_site_table


def sites_of_one() -> Sites:
    boxes = torch.tensor([[[0.0, 0, 1, 1], [5.625, 2, 11.25, 4], [9, 9, 9, 9]]])
    return Sites(boxes, torch.tensor([[0.25, 0.75, 0.0]]), torch.tensor([[True, True, False]]))


def test_heaviest_first_without_padding(tmp_path: Path) -> None:
    write_site_table(tmp_path / "sites.csv", ["a,b.png", "c.png"], [sites_of_one(), sites_of_one()])
    rows = list(csv.reader((tmp_path / "sites.csv").open(newline="")))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == ["a,b.png", "1", "5.625", "2.0", "11.25", "4.0", "0.75"]
    assert rows[2] == ["a,b.png", "2", "0.0", "0.0", "1.0", "1.0", "0.25"]
    assert [row[0] for row in rows[3:]] == ["c.png", "c.png"]


def test_names_and_sites_must_match(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="1 names were given for 2 images"):
        write_site_table(tmp_path / "sites.csv", ["a"], [sites_of_one(), sites_of_one()])
    two = Sites.concatenate([sites_of_one(), sites_of_one()])
    with pytest.raises(BadInput, match="sites of 2 images"):
        write_site_table(tmp_path / "sites.csv", ["a"], [two])
    assert list(tmp_path.iterdir()) == []

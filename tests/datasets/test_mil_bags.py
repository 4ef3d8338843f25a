"""Classic bags: rows to bags, and every fault named with its row."""

import re
from pathlib import Path

import pytest
import torch

from saccade.core.errors import BadInput
from saccade.datasets.mil_bags import load_mil_bags
from saccade.models import create_model


def write(folder: Path, text: str) -> Path:
    path = folder / "bags.csv"
    path.write_text(text)
    return path


def test_rows_become_bags_in_the_order_they_first_come(tmp_path: Path) -> None:
    data = load_mil_bags(write(tmp_path, "-1,9,1,2\n1,3,3,4\n\n-1,9,5,6\n1,3,7,8\n1,4,0,1e-3\n"))
    assert len(data) == 3
    assert data.names == ("9", "3", "4")
    assert (data.classes, data.labels) == (("-1", "1"), (0, 1, 1))
    assert data.bags.lengths == (2, 2, 1)
    wanted = torch.tensor([[1, 2], [5, 6], [3, 4], [7, 8], [0, 1e-3]])
    assert data.bags.features.equal(wanted)
    assert data.bags.cells.tolist() == [[0, 0], [1, 0], [0, 0], [1, 0], [0, 0]]


def test_a_model_takes_them(tmp_path: Path) -> None:
    data = load_mil_bags(write(tmp_path, "0,1,1,2\n1,2,3,4\n1,2,5,6\n"))
    model = create_model("gated-abmil", data.classes, in_features=2)
    assert model(data.bags).logits.shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "bags.csv: the table is empty"),
        ("\n\n", "bags.csv: the table is empty"),
        ("label,bag,x\n0,1,2\n", "bags.csv, row 1: 'label' in column 1 is no number"),
        ("0,1,2\n0,1,2,3\n", "bags.csv, row 2: has 4 columns, not 3"),
        ("0,1\n", "bags.csv, row 1: has 2 columns, not 3"),
        ("0,1,2\n0,1,x\n", "bags.csv, row 2: 'x' in column 3 is no number"),
        ("0,1,2\n\n0,1,nan\n", "bags.csv, row 3: 'nan' in column 3 is no number"),
        ("0,1,\n", "bags.csv, row 1: '' in column 3 is no number"),
        ("0.5,1,2\n", "bags.csv, row 1: '0.5' in column 1 is no label"),
        ("0,1,2\n1,2,3\n1,1,2\n", "bags.csv, row 3: gives bag '1' the label 1, row 1 the label 0"),
        ('0,1,"2\n', "bags.csv: is no CSV table"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=re.escape(message)) as caught:
        load_mil_bags(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_what_is_no_table_of_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        load_mil_bags(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="is no CSV table"):
        load_mil_bags(tmp_path)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="is no CSV table"):
        load_mil_bags(tmp_path / "bytes.csv")


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "bags", "positive", "rows", "features"), [("musk1", 92, 47, 476, 166), ("elephant", 200, 100, 1391, 230)]
)
def test_the_real_ones(real_data: Path, name: str, bags: int, positive: int, rows: int, features: int) -> None:
    path = real_data / "mil_bags" / f"{name}.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    data = load_mil_bags(path)
    assert (len(data), sum(data.labels)) == (bags, positive)
    assert data.bags.features.shape == (rows, features)

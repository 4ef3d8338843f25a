"""Tables come in as people save them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saccade.core.errors import BadInput
from saccade.core.tables import load_table


def cells(path: Path) -> list[dict[str, str]]:
    return [row.cells for row in load_table(path).rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_dialects(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    lines = ["Path, Label ", '"ä;,b.png",x', "", ",", "c.png,y"]
    # only the separators change: the quoted comma and semicolon belong to the cell
    text = end.join(line.replace(",", delimiter) if "ä" not in line else f'"ä;,b.png"{delimiter}x' for line in lines)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table = load_table(tmp_path / "t.csv")
    assert [row.cells for row in table.rows] == [{"path": "ä;,b.png", "label": "x"}, {"path": "c.png", "label": "y"}]
    assert [row.line for row in table.rows] == [2, 5]


def test_short_and_long_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,\n1\n1,2,,\n1,2,3\n")
    table = load_table(tmp_path / "t.csv")
    assert [row.cells for row in table.rows] == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]
    (problem,) = table.problems
    assert "row 4: has 3 cells where the header has 2" in str(problem) and "quotes" in problem.remedy


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n;;\n", "empty"),
        (b"a,b\n\xff\xfe,1\n", "not UTF-8"),
        (b"a,\0b\n", "not a text file"),
        (b"a,a\n1,2\n", "more than once"),
        (b'a,b\n"1,2\n', r"row \d: is not valid CSV"),
    ],
)
def test_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(BadInput, match=message):
        load_table(tmp_path / "t.csv")


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_table(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.text(alphabet='ab,;"\t\n\r ', max_size=60).map(str.encode))
def test_nothing_but_bad_input(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    try:
        table = load_table(tmp_path / "t.csv")
    except BadInput:
        return
    assert all(set(row.cells) == set(table.columns) for row in table.rows)

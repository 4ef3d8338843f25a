"""CSV files as people have them: with a byte-order mark, semicolons, blank lines, or from Excel."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from saccade.core.errors import BadInput, Problem

_DELIMITERS = (",", ";", "\t")
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


@dataclass(frozen=True)
class TableRow:
    """One line of a table: its number in the file, counted from 1, and its cells by column name."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table with a header; column names are lower case and stripped, cells are stripped."""

    source: Path
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]
    problems: tuple[Problem, ...]

    def place(self, line: int) -> str:
        """How errors name a row: the file and the line."""
        return f"{self.source}, row {line}"


def load_table(path: Path | str) -> Table:
    """Load a table separated by commas, semicolons or tabs; blank lines are skipped.

    Rows with more cells than the header come back as problems; a file that is missing, empty, binary or
    not UTF-8 (or UTF-16 with its mark) raises ``BadInput``.
    """
    path = Path(path)
    text = _text(path)
    header = next((line for line in io.StringIO(text) if line.strip(" ,;\t\r\n")), "")
    if not header:
        raise BadInput("the table is empty", "write a header such as path,label and one row per image", str(path))
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: tuple[str, ...] = ()
    rows: list[TableRow] = []
    problems: list[Problem] = []
    try:
        for values in reader:
            cells = [value.strip() for value in values]
            if not any(cells):
                continue
            if not columns:
                columns = _columns(cells, path)
            elif any(cells[len(columns) :]):
                message = f"has {len(cells)} cells where the header has {len(columns)}"
                remedy = f"put values that hold {delimiter!r} in double quotes"
                problems.append(Problem(message, remedy, f"{path}, row {reader.line_num}"))
            else:
                cells += [""] * (len(columns) - len(cells))
                rows.append(TableRow(reader.line_num, dict(zip(columns, cells, strict=False))))
    except csv.Error as error:
        source = f"{path}, row {reader.line_num}"
        raise BadInput(f"is not valid CSV ({error})", "save the table again as CSV", source) from error
    return Table(path, columns, tuple(rows), tuple(problems))


def _columns(cells: list[str], path: Path) -> tuple[str, ...]:
    """Column names from the header: lower case, and none twice."""
    while cells and not cells[-1]:
        cells = cells[:-1]  # spreadsheets leave empty columns at the end
    columns = tuple(cell.lower() for cell in cells)
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise BadInput(f"the header has column {twice[0]!r} more than once", "rename or remove one", str(path))
    return columns


def _text(path: Path) -> str:
    """The file's text, whatever mark its first bytes carry."""
    if not path.is_file():
        raise BadInput("there is no such file", "check the path", str(path))
    data = path.read_bytes()
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8 text", "save the table as 'CSV UTF-8'", str(path)) from error
    if "\0" in text:
        raise BadInput("is not a text file", "give a CSV table", str(path))
    return text

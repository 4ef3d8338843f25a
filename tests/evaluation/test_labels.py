"""Label maps, and names that no class answers to."""

from pathlib import Path

import pytest

from saccade.core.errors import BadInput
from saccade.evaluation.labels import LEFT_OUT, load_label_map, map_labels

CLASSES = ("neutrophil", "blast")


def written(folder: Path, text: str) -> Path:
    path = folder / "map.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_map_with_spaces_a_mark_and_an_empty_target(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufefffrom, to\nNEU, neutrophil\nband,neutrophil\nartefact,\n")
    assert load_label_map(path, CLASSES) == {"NEU": "neutrophil", "band": "neutrophil", "artefact": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,target\na,blast\n", "columns from and to"),
        ("from,to\nNEU,neutrophils\n", "row 2: the model has no class 'neutrophils'.*'neutrophil'"),
        ("from,to\nNEU,zebra\n", "write one of neutrophil, blast|Write one of neutrophil, blast"),
        ("from,to\nNEU,blast\n\nNEU,neutrophil\n", "row 4: 'NEU' is mapped twice"),
        ("from,to\n,blast\n", "row 2: the cell from is empty"),
        ("from,to\na,blast,more\n", "row 2: has 3 cells"),
    ],
)
def test_mistakes_are_named_with_their_row(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        load_label_map(written(tmp_path, text), CLASSES)
    assert "\n" not in str(caught.value) and "map.csv" in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"absent\.csv"):
        load_label_map(tmp_path / "absent.csv", CLASSES)


def test_names_become_numbers() -> None:
    mapping = {"NEU": "neutrophil", "artefact": None}
    names = ["NEU", "blast", "artefact", "neutrophil"]
    assert map_labels(names, CLASSES, mapping).tolist() == [0, 1, LEFT_OUT, 0]
    assert map_labels([], CLASSES).tolist() == []


def test_the_map_goes_before_the_models_own_names() -> None:
    assert map_labels(["blast"], CLASSES, {"blast": "neutrophil"}).tolist() == [0]


def test_unknown_names_are_all_listed() -> None:
    with pytest.raises(BadInput, match=r"labels\.csv: .*'lymph', 'mono'.*neutrophil, blast.*--labels"):
        map_labels(["mono", "blast", "lymph", "mono"], CLASSES, {"NEU": "neutrophil"}, source="labels.csv")

"""The table of segmented slides: shares, what was annotated beside them, and empty cells for what nobody knows."""

import csv
from pathlib import Path

import numpy as np
import torch

from saccade.core.manifest import Row
from saccade.core.results import Cost, Segmentation, Sites
from saccade.inference.segmentation_predictor import SegmentationResult
from saccade.inference.segmentation_table import segmentation_table

CLASSES = ("normal", "tumour")


def result(name: str, labels: list[int] | None) -> SegmentationResult:
    if labels is None:
        return SegmentationResult(name, name, CLASSES, error="is damaged")
    logits = torch.nn.functional.one_hot(torch.tensor(labels, dtype=torch.long), 2).float()[None]
    many = len(labels)
    sites = Sites(torch.zeros(1, many, 4), torch.ones(1, many), torch.ones(1, many, dtype=torch.bool))
    return SegmentationResult(
        name, name, CLASSES, Segmentation(logits, sites, Cost(*(torch.ones(1) for _ in range(5))))
    )


def test_shares_of_the_tissue(tmp_path: Path) -> None:
    with segmentation_table(tmp_path / "out" / "p.csv", CLASSES) as table:
        table.add(result("a", [0, 1, 1, 1]))
        table.add(result("b", None))
        table.add(result("c", []))
    first, second, third = csv.DictReader((tmp_path / "out" / "p.csv").open())
    assert first == {"path": "a", "patches": "4", "share_normal": "0.25", "share_tumour": "0.75", "error": ""}
    assert second == {"path": "b", "patches": "", "share_normal": "", "share_tumour": "", "error": "is damaged"}
    assert (third["patches"], third["share_tumour"]) == ("0", "")


def test_what_was_annotated_stands_beside(tmp_path: Path) -> None:
    row = Row(Path("a.svs"), "", "a", case_id="case 1")
    with segmentation_table(tmp_path / "p.csv", CLASSES, known=True) as table:
        table.add(result("job/a.h5", [0, 1, 1, 1]), row, np.array([[1, 1], [0, 2]]))
        table.add(result("job/a.h5", [0, 0, 0, 0]), row, np.array([[4, 0], [0, 0]]))
        table.add(result("job/a.h5", [0, 1, 1, 1]), row, np.zeros((2, 2), np.int64))
        table.add(result("job/a.h5", None), row)
    told, clean, bare, failed = csv.DictReader((tmp_path / "p.csv").open())
    assert (told["path"], told["labelled"], told["case_id"], told["dice"]) == ("a", "4", "case 1", "0.8")
    shares = [told[name] for name in ("true_normal", "true_tumour", "predicted_normal", "predicted_tumour")]
    assert shares == ["0.5", "0.5", "0.25", "0.75"]
    assert (clean["true_tumour"], clean["dice"]) == ("0", ""), "Dice of nothing is not defined"
    assert (bare["labelled"], bare["true_normal"], bare["dice"], bare["share_tumour"]) == ("0", "", "", "0.75")
    assert (failed["labelled"], failed["case_id"], failed["error"]) == ("", "case 1", "is damaged")

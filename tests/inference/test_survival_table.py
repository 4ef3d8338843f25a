"""The table of risks: columns, empty cells for what failed, the truth where it is known."""

import csv
from pathlib import Path

import torch

from saccade.core.manifest import Row
from saccade.core.results import Cost, Sites, SurvivalPrediction
from saccade.inference.survival_predictor import SurvivalResult
from saccade.inference.survival_table import survival_table

BINS = ("under 5", "5 or more")


def result(name: str, logits: list[float] | None) -> SurvivalResult:
    if logits is None:
        return SurvivalResult(name, name, BINS, error="is damaged")
    sites = Sites(torch.zeros(1, 1, 4), torch.ones(1, 1), torch.ones(1, 1, dtype=torch.bool))
    prediction = SurvivalPrediction(torch.tensor([logits]), sites, Cost(*(torch.ones(1) for _ in range(5))))
    return SurvivalResult(name, name, BINS, prediction)


def test_risks_and_survival_after_each_bin(tmp_path: Path) -> None:
    with survival_table(tmp_path / "out" / "p.csv", BINS) as table:
        table.add(result("a.h5", [0.0, 0.0]))
        table.add(result("b.h5", None))
    first, second = csv.DictReader((tmp_path / "out" / "p.csv").open())
    assert first == {"path": "a.h5", "risk": "-0.75", "s_under 5": "0.5", "s_5 or more": "0.25", "error": ""}
    assert second == {"path": "b.h5", "risk": "", "s_under 5": "", "s_5 or more": "", "error": "is damaged"}


def test_what_is_known_stands_beside(tmp_path: Path) -> None:
    row = Row(Path("a.svs"), "", "a", case_id="case 1", time=12.25, event=False)
    with survival_table(tmp_path / "p.csv", BINS, known=True) as table:
        table.add(result("job/a.h5", [0.0, 0.0]), row)
        table.add(result("job/b.h5", None), row)
    first, second = csv.DictReader((tmp_path / "p.csv").open())
    assert (first["path"], first["time"], first["event"], first["case_id"]) == ("a", "12.25", "0", "case 1")
    assert (second["risk"], second["time"], second["error"]) == ("", "12.25", "is damaged")

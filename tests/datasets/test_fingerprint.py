"""Data that says something else, or whose files have other sizes, has another fingerprint; where it lies is all one."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from saccade.datasets.bags import open_bags
from saccade.datasets.fingerprint import fingerprint
from saccade.datasets.sources import open_manifest
from tests.miniature_slides import make_bags


def of(folder: Path) -> str:
    return fingerprint(open_manifest(folder / "manifest.csv"))


def relabel(folder: Path) -> None:
    table = folder / "manifest.csv"
    table.write_text(table.read_text().replace(",basophil,", ",eosinophil,", 1))


def reorder(folder: Path) -> None:
    table = folder / "manifest.csv"
    head, first, *rest = table.read_text().splitlines()
    table.write_text("\n".join([head, *rest, first]))


def enlarge(folder: Path) -> None:
    with next(folder.rglob("*.png")).open("ab") as file:
        file.write(b"\0")


@pytest.mark.parametrize("change", [relabel, reorder, enlarge])
def test_a_change_shows(change: Callable[[Path], None], miniature: Path, tmp_path: Path) -> None:
    here = shutil.copytree(miniature / "cells", tmp_path / "cells")
    before = of(here)
    assert before == of(miniature / "cells") == of(here), "the same data elsewhere"
    change(here)
    assert of(here) != before


def test_of_slides_features_count_and_the_slides_need_not_be_there(tmp_path: Path) -> None:
    bags = open_bags(make_bags(tmp_path), tmp_path / "job")
    before = fingerprint(bags.manifest, bags.paths)
    with bags.paths[0].open("ab") as file:
        file.write(b"\0")
    assert fingerprint(bags.manifest, bags.paths) != before

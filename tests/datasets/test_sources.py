"""One way into every kind of data set."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.core.errors import BadInput
from saccade.core.manifest import inspect_labels
from saccade.datasets.bags import simulated_bags
from saccade.datasets.sources import each_image, first_image, inspect_data, is_simulated, open_manifest, origin_of
from tests.miniature_slides import make_bags, mark_simulated


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(6):
        path = tmp_path / "cells" / "ab"[index % 2] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5, 3), index, np.uint8)).save(path)
    return tmp_path / "cells"


def test_kinds(folder: Path) -> None:
    assert open_manifest(folder).source == folder and len(open_manifest(folder)) == 6
    (folder / "manifest.csv").write_text("path,label\na/0.png,x\nb/1.png,y\n")
    assert open_manifest(folder).classes == ("x", "y"), "the manifest in a folder describes it"
    assert open_manifest(folder / "manifest.csv") == open_manifest(folder)
    np.savez(folder / "c.npz", train_images=np.zeros((1, 4, 4), np.uint8), train_labels=np.zeros((1, 1), np.uint8))
    assert open_manifest(folder / "c.npz").rows[0].member == "train/0"


def test_other_things(folder: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        open_manifest(folder / "ghost")
    with pytest.raises(BadInput, match="is no data set"):
        open_manifest(folder / "a" / "0.png")


def test_problems_are_listed_or_raised(folder: Path) -> None:
    (folder / "c").mkdir()
    assert len(inspect_data(folder)[1]) == 1
    with pytest.raises(BadInput, match="holds no image"):
        open_manifest(folder)


def test_each_image_once_and_problems_in_order(folder: Path) -> None:
    (folder / "a" / "2.png").write_bytes(b"")
    (folder / "b" / "3.png").unlink()
    rows = (*open_manifest(folder).rows, open_manifest(folder).rows[0])
    (folder / "b" / "1.png").write_bytes(b"")
    seen: dict[int, int] = {}
    told: list[tuple[int, int]] = []
    problems = each_image(
        rows, lambda index, image: seen.__setitem__(index, int(image[0, 0, 0])), lambda *counts: told.append(counts)
    )
    assert seen == {0: 0, 2: 4, 4: 5, 5: 0}
    assert [Path(problem.source).name for problem in problems] == ["2.png", "1.png"]
    assert told == [(done, 6) for done in range(1, 7)]


def test_problems_of_use_name_the_row(folder: Path) -> None:
    (folder / "manifest.csv").write_text("path,label\na/0.png,x\nb/1.png,y\n")

    def refuse(index: int, image: np.ndarray) -> None:
        raise BadInput("too dull", "light it")

    problems = each_image(open_manifest(folder).rows, refuse)
    assert str(problems[1]) == f"{folder}/b/1.png (row 3): too dull. Light it"


def test_images_of_archives_mix_with_files(folder: Path) -> None:
    values = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    np.savez(folder / "c.npz", train_images=values, train_labels=np.zeros((3, 1), np.uint8))
    rows = (*open_manifest(folder / "c.npz").rows[::-1], open_manifest(folder).rows[2])
    seen: dict[int, int] = {}
    assert not each_image(rows, lambda index, image: seen.__setitem__(index, int(image[0, 0, 0])))
    assert seen == {0: 2, 1: 1, 2: 0, 3: 4}


def test_a_damaged_archive_is_one_problem(folder: Path) -> None:
    values = {"train_images": np.zeros((3, 4, 4), np.uint8), "train_labels": np.zeros((3, 1), np.uint8)}
    np.savez(folder / "c.npz", **values)
    rows = open_manifest(folder / "c.npz").rows
    (folder / "c.npz").write_text("gone")
    (problem,) = each_image(rows, lambda index, image: None)
    assert "no .npz file" in str(problem)


def test_first_image(folder: Path) -> None:
    assert first_image(open_manifest(folder)).shape == (4, 5, 3)
    (folder / "a" / "0.png").write_bytes(b"")
    with pytest.raises(BadInput, match="file is empty"):
        first_image(open_manifest(folder))


def test_slides_are_simulated_if_their_cases_or_all_of_their_bags_say_so(tmp_path: Path) -> None:
    manifest = inspect_labels(make_bags(tmp_path, {"train": 2}))[0]
    bags = sorted(tmp_path.rglob("*.h5"))
    assert not is_simulated(manifest, bags) and not is_simulated(manifest)
    mark_simulated(bags[0])
    assert simulated_bags(bags) == 1 and not is_simulated(manifest, bags)
    mark_simulated(bags[1])
    assert simulated_bags(bags) == 2 and is_simulated(manifest, bags) and not is_simulated(manifest)
    named = replace(manifest, rows=tuple(replace(row, case_id=f"simulated-{row.name}") for row in manifest.rows))
    assert is_simulated(named)
    bags[0].write_bytes(b"nothing")
    assert simulated_bags(bags) == 1, "what cannot be opened says nothing"


def test_what_is_said_of_a_set(cells: Path) -> None:
    manifest = open_manifest(cells)

    def named(*prefixes: str) -> str:
        rows = (replace(row, case_id=f"{prefixes[i % len(prefixes)]}{i}") for i, row in enumerate(manifest.rows))
        return origin_of(replace(manifest, rows=tuple(rows)))

    assert origin_of(manifest) == named("donor-") == ""
    assert named("simulated-") == "simulated"
    assert named("simulated-", "donor-") == "partly simulated"
    assert named("monocyte/simulated-") == "simulated", "a recording in a folder, or the windows cut from it"
    assert named("dissimulated-") == named("not-simulated-") == ""
    assert named("proxy-opd-") == named("proxy-opd-", "donor-") == "OPD-like proxy"
    assert named("proxy-events-simulated-", "proxy-events-") == "event-like proxy"
    assert named("proxy-events-simulated-") == "simulated event-like proxy"
    assert named("proxy-opd-00007_simulated-") == "simulated OPD-like proxy"
    assert named("proxy-opd-00007_x", "proxy-x-", "a-proxy-opd-") == "OPD-like proxy"
    assert named("proxy-x-") == named("a-proxy-opd-") == named("7_simulated-") == ""


def test_files_in_class_folders_say_by_their_names_that_they_are_simulated(cells: Path, tmp_path: Path) -> None:
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        shutil.copy(open_manifest(cells).rows[0].path, tmp_path / kind / "simulated-0.png")
    assert origin_of(open_manifest(tmp_path)) == "simulated"
    shutil.copy(open_manifest(cells).rows[0].path, tmp_path / "a" / "real.png")
    assert origin_of(open_manifest(tmp_path)) == "partly simulated"
    shutil.copy(open_manifest(cells).rows[0].path, tmp_path / "b" / "proxy-events-00001_x.png")
    assert origin_of(open_manifest(tmp_path)) == "event-like proxy"

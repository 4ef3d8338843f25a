"""``saccade predict`` on images never seen: other sizes, other file types, and bad ones among them."""

import csv
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from saccade.imaging import image_files
from tests.miniature import LOBES
from tests.miniature_fields import make_field_model


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def mixed(miniature: Path, tmp_path: Path) -> Path:
    """Two good images of another size, in a folder of a folder, and two bad ones."""
    folder = tmp_path / "images"
    (folder / "below").mkdir(parents=True)
    for place in ("one.png", "below/two.bmp"):
        with Image.open(miniature / "images" / "first.png") as image:
            image.resize((70, 50)).save(folder / place)
    (folder / "truncated.png").write_bytes((folder / "one.png").read_bytes()[:300])
    (folder / "text.jpg").write_text("no image")
    (folder / "notes.txt").write_text("no image either")
    return folder


def test_a_folder(saccade: Callable, trained: Path, miniature: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "p.csv"
    printed = saccade("predict", trained, miniature / "images", "--out", out).output
    rows = rows_of(out)
    assert [Path(row["path"]).name for row in rows] == ["first.png", "fourth.tiff", "second.bmp", "third.jpg"]
    for row in rows:
        assert row["predicted"] in LOBES
        assert sum(float(row[f"p_{kind}"]) for kind in LOBES) == pytest.approx(1, abs=1e-4)
        assert 0 < float(row["pixels_read_fraction"]) < 1
        assert row["error"] == ""
    assert "4 of 4 images predicted" in printed
    assert all(Path(row["path"]).name in printed for row in rows)


def test_bad_images_are_skipped_with_a_line_each(saccade: Callable, trained: Path, mixed: Path, tmp_path: Path) -> None:
    result = saccade("predict", trained, mixed, "--out", tmp_path / "p.csv", code=3)
    lines = [line for line in result.stderr.splitlines() if line.startswith("skipped: ")]
    assert len(lines) == 2
    assert "2 of 4 images predicted" in result.output
    rows = {Path(row["path"]).name: row for row in rows_of(tmp_path / "p.csv")}
    assert set(rows) == {"one.png", "two.bmp", "truncated.png", "text.jpg"}
    assert rows["one.png"]["predicted"]
    assert rows["text.jpg"]["predicted"] == ""
    assert "truncated.png" in rows["truncated.png"]["error"]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((), None),
        (("anim.gif",), "1 file that is no image this program reads: anim.gif"),
        (("anim.gif", "notes.txt"), "2 files that are no images this program reads: anim.gif, notes.txt"),
        (tuple("abcde"), "5 files that are no images this program reads: a, b, c and 2 more"),
    ],
)
def test_files_left_out_are_named(
    saccade: Callable, trained: Path, miniature: Path, tmp_path: Path, others: tuple[str, ...], said: str | None
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    shutil.copy(miniature / "images" / "first.png", folder)
    for name in (*others, ".hidden"):
        (folder / name).write_text("no image")
    given = (folder, folder / "first.png", folder)  # named again, it is not said again
    result = saccade("predict", trained, *given, "--out", tmp_path / "p.csv")
    assert result.stderr.splitlines() == ([f"left out {said}"] if said else [])


def test_fields_of_every_kind(saccade: Callable, tmp_path: Path) -> None:
    """Smaller than a patch, with alpha, CMYK and flat ones are predicted; 16-bit and damaged ones are told."""
    run, folder = make_field_model(tmp_path / "run"), tmp_path / "images"
    folder.mkdir()
    field = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    Image.fromarray(field[:1, :1]).save(folder / "dot.png")
    Image.fromarray(field[:10]).save(folder / "low.png")
    Image.fromarray(np.dstack([field, field[..., 0]])).save(folder / "alpha.png")
    Image.fromarray(field).convert("CMYK").save(folder / "ink.jpg")
    Image.fromarray(np.full_like(field, 255)).save(folder / "flat.png")
    tifffile.imwrite(folder / "deep.tif", field.astype(np.uint16), photometric="rgb")
    (folder / "cut.jpg").write_bytes((folder / "ink.jpg").read_bytes()[:900])
    claims = bytearray((folder / "flat.png").read_bytes())
    claims[16:24] = struct.pack(">II", 60_000, 60_000)
    claims[29:33] = struct.pack(">I", zlib.crc32(claims[12:29]))
    (folder / "bomb.png").write_bytes(claims)
    result = saccade("predict", run, folder, "--out", tmp_path / "p.csv", code=3)
    told = [line for line in result.stderr.splitlines() if line.startswith("skipped: ")]
    for line, said in zip(
        told, ("bomb.png: claims more pixels", "cut.jpg: is damaged", "deep.tif: holds uint16"), strict=True
    ):
        assert said in line
    good = [row for row in rows_of(tmp_path / "p.csv") if not row["error"]]
    assert [Path(row["path"]).name for row in good] == ["alpha.png", "dot.png", "flat.png", "ink.jpg", "low.png"]
    assert all(float(row["p_blue"]) + float(row["p_red"]) == pytest.approx(1, abs=1e-4) for row in good)


def test_a_field_too_large_to_decode(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, field = make_field_model(tmp_path / "run"), np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", field, tile=(32, 32), photometric="rgb")
    saccade("predict", run, tmp_path / "a.tif", "--out", tmp_path / "decoded.csv")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 5000)
    assert "1 of 1 images" in saccade("predict", run, tmp_path / "a.tif", "--out", tmp_path / "tiled.csv").output
    assert rows_of(tmp_path / "tiled.csv") == rows_of(tmp_path / "decoded.csv")
    every = make_field_model(tmp_path / "every", "full-image-cnn")
    result = saccade("predict", every, tmp_path / "a.tif", "--out", tmp_path / "p.csv", code=2)
    assert "a.tif: is too large for a model that holds every pixel" in result.stderr


def test_a_field_of_another_resolution_is_told(saccade: Callable, tmp_path: Path) -> None:
    """In a line of its own, on the error stream; nothing is skipped."""
    run = make_field_model(tmp_path / "run", mpp=0.5)
    field = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", field, photometric="rgb", **dots)
    result = saccade("predict", run, tmp_path / "a.tif", "--out", tmp_path / "p.csv")
    said = "states 0.25 micrometres per pixel, the model was trained at 0.5"
    assert f"note: {tmp_path / 'a.tif'}: {said}" in result.stderr.splitlines()


def test_the_help_promises_what_is_kept(saccade: Callable) -> None:
    printed = " ".join(saccade("predict", "--help").output.split())
    assert "any size" in printed
    assert "values as in training" in printed


def test_only_bad_images_leave_an_older_table_alone(
    saccade: Callable, trained: Path, mixed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.csv"
    out.write_text("older")
    result = saccade("predict", trained, mixed / "text.jpg", mixed / "truncated.png", "--out", out, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: none of the 2 images")
    assert out.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_older_table_is_replaced(saccade: Callable, trained: Path, mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    out.write_text("older")
    saccade("predict", trained, mixed / "one.png", mixed / "one.png", "--out", out)
    assert len(rows_of(out)) == 1


def test_many_images_are_summed_up(saccade: Callable, trained: Path, cells: Path, tmp_path: Path) -> None:
    printed = saccade("predict", trained, cells, "--out", tmp_path / "p.csv", "--batch-size", 7).output
    assert "60 of 60 images predicted" in printed
    assert "mean probability" in printed
    assert "neutrophil_00.png" not in printed


def test_what_cannot_be_used(refused: Callable[..., str], trained: Path, cells: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "p.csv"
    assert "no such folder" in refused("predict", tmp_path / "nothing", cells, "--out", out)
    assert "holds no model" in refused("predict", tmp_path, cells, "--out", out)
    assert "holds no image" in refused("predict", trained, tmp_path / "empty", "--out", out)
    assert "no such file" in refused("predict", trained, tmp_path / "nothing.png", "--out", out)
    assert "is a folder" in refused("predict", trained, cells, "--out", tmp_path)
    assert "no device" in refused("predict", trained, cells, "--out", out, "--device", "cuda:77")
    assert not out.exists()

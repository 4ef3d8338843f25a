"""``saccade explain`` leaves a picture, a table and a faithfulness figure for each image."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from saccade.cli.explain import Explained, distinct_names, pointing_cells, reads_patches, write_pointing
from saccade.core.results import Sites
from saccade.datasets.boxes import load_boxes, needles_of
from saccade.datasets.composers import compose_fields
from saccade.explanation.box_pointing import box_pointing
from saccade.explanation.field_maps import field_maps
from saccade.imaging import image_files, showing
from saccade.inference.predictor import Predictor
from saccade.models import MODELS
from tests.miniature_fields import HEIGHT, WIDTH, make_field_model, make_fields

POINTED = ("attention-sampling", "oracle-patches")


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_an_image(saccade: Callable, trained: Path, miniature: Path, tmp_path: Path) -> None:
    printed = saccade("explain", trained, miniature / "images" / "second.bmp", "--out", tmp_path / "out").output
    assert "deletion area" in printed
    names = ["second_faithfulness.png", "second_overlay.png", "second_sites.csv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    with (tmp_path / "out" / "second_sites.csv").open() as file:
        sites = list(csv.DictReader(file))
    assert sum(float(site["weight"]) for site in sites) == pytest.approx(1, abs=1e-3)
    assert max(float(site["x1"]) for site in sites) <= 48
    picture = np.asarray(Image.open(tmp_path / "out" / "second_overlay.png"))
    x, y = (int(float(sites[0][name])) for name in ("x0", "y0"))
    factor = picture.shape[0] // 48
    assert picture[factor * y + 1, factor * x + 1].max() > picture[factor * y + 1, factor * x + 1].min()  # in colour


def test_bad_images_are_skipped(saccade: Callable, trained: Path, miniature: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    result = saccade("explain", trained, bad, miniature / "images" / "first.png", "--out", tmp_path / "out", code=3)
    assert len([line for line in result.stderr.splitlines() if line.startswith("skipped: ")]) == 1
    assert (tmp_path / "out" / "first_sites.csv").is_file()
    saccade("explain", trained, bad, "--out", tmp_path / "none", code=2)
    assert not (tmp_path / "none").exists()


def test_a_field(saccade: Callable, tmp_path: Path) -> None:
    run, data = make_field_model(tmp_path / "run"), make_fields(tmp_path / "data").parent
    image, out = data / "images" / "red-1.png", tmp_path / "out"
    printed = saccade("explain", run, image, "--boxes", data / "boxes.csv", "--out", out).output
    assert "heaviest weight" in printed and "random patches" in printed
    assert "1 of 1 images have boxes" in printed and "dashed: truth" in printed
    names = ["pointing.csv", "red-1_faithfulness.png", "red-1_map.png", "red-1_patches.png", "red-1_sites.csv"]
    assert sorted(path.name for path in out.iterdir()) == names
    with (out / "red-1_sites.csv").open() as file:
        sites = list(csv.DictReader(file))
    assert sum(float(site["weight"]) for site in sites) == pytest.approx(1, abs=1e-3)
    assert len({(site["x0"], site["y0"]) for site in sites}) == len(sites)
    width, height = Image.open(out / "red-1_map.png").size
    assert width == 160 and height > 120, "a key to the map's colours is below it"
    shown, field = np.asarray(Image.open(out / "red-1_patches.png")), np.asarray(Image.open(image))
    x, y = (int(float(sites[0][name])) for name in ("x0", "y0"))
    factor = 192 // 24
    first = shown[36 : 36 + 24 * factor : factor, 10 : 10 + 24 * factor : factor]
    beyond = np.pad(field, ((24, 24), (24, 24), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(first, beyond[y + 24 : y + 48, x + 24 : x + 48])


def test_pointing_at_boxes(saccade: Callable, tmp_path: Path) -> None:
    run, data, out = make_field_model(tmp_path / "run"), make_fields(tmp_path / "data").parent, tmp_path / "out"
    printed = saccade("explain", run, data / "images", "--boxes", data / "boxes.csv", "--out", out).output
    assert all(words in printed for words in ("heaviest in box", "box mass", "hit rate", "4 of 6 images have boxes"))
    rows, predictor = read_rows(out / "pointing.csv"), Predictor.open(run, "cpu")
    boxes = load_boxes(data / "boxes.csv")
    assert len(rows) == len(boxes) == 4
    for row in rows:
        path = Path(row["image"])
        result = predictor.predict([path])[0]
        looks = field_maps(predictor.model, predictor.open_pixels(result.pixels()))
        assert looks is not None
        needles = needles_of(boxes[f"images/{path.name}"])
        found = box_pointing(result.sites, needles, (120, 160), looks[0])
        assert float(row["area"]) == pytest.approx(24 * 24 / (120 * 160), abs=1e-5)
        assert int(row["heaviest_in_box"]) == int(found.heaviest)
        assert float(row["box_mass"]) == pytest.approx(float(found.looked), rel=1e-4)
        assert float(row["hit_rate"]) == pytest.approx(float(found.hits), rel=1e-4)


@pytest.mark.parametrize(("weights", "cell", "number"), [([0.3, 0.7], "yes", "1"), ([0.7, 0.3], "no", "0")])
def test_the_heaviest_of_unequal_patches(weights: list[float], cell: str, number: str, tmp_path: Path) -> None:
    assert pointed_at(weights, tmp_path) == (cell, number)


@pytest.mark.parametrize("boxes", [[], [[0.0, 0, 4, 4]], [[0.0, 0, 24, 4]]])
def test_where_several_are_heaviest_none_is_said_to_be(boxes: list[list[float]], tmp_path: Path) -> None:
    """Neither yes nor no, whether none, one or both of two equal patches are in a box."""
    assert pointed_at([0.5, 0.5], tmp_path, [[50.0, 50, 54, 54], *boxes]) == ("", "")


def pointed_at(weights: list[float], folder: Path, truth: list[list[float]] | None = None) -> tuple[str, str]:
    """What screen and table tell of the heaviest of two patches; the box is around the second."""
    places = torch.tensor([[[0.0, 0, 4, 4], [20, 0, 24, 4]]])
    sites = Sites(places, torch.tensor([weights]), torch.ones(1, 2, dtype=torch.bool))
    found = box_pointing(sites, torch.tensor(truth or [[18.0, 0, 30, 9]]), (60, 60))
    write_pointing(folder / "pointing.csv", [Explained(("field",), found)])
    (row,) = read_rows(folder / "pointing.csv")
    return pointing_cells(found)[0], row["heaviest_in_box"]


def test_a_field_smaller_than_a_patch(saccade: Callable, tmp_path: Path) -> None:
    run, path = make_field_model(tmp_path / "run"), tmp_path / "small.png"
    Image.fromarray(np.zeros((10, 12, 3), np.uint8)).save(path)
    for command, out in (("explain", "out"), ("predict", "table.csv")):
        result = saccade(command, run, path, "--out", tmp_path / out)
        assert "1 image is smaller than a patch" in result.stderr
    assert Image.open(tmp_path / "out" / "small_patches.png").size[0] >= 192, "what was read is drawn all the same"
    assert "heaviest weight" in saccade("explain", run, path, "--out", tmp_path / "out").output


def test_every_model_of_fields_reads_patches_or_the_whole(tmp_path: Path) -> None:
    whole = {name for name in MODELS.names("field") if not reads_patches(opened(tmp_path / name, name))}
    assert whole == {"full-image-cnn", "downscaled-cnn"}


def opened(folder: Path, name: str) -> Predictor:
    """An untrained model by name."""
    return Predictor.open(make_field_model(folder, name), "cpu")


@pytest.mark.parametrize("name", ["full-image-cnn", "downscaled-cnn"])
def test_boxes_beside_a_model_without_patches(name: str, saccade: Callable, tmp_path: Path) -> None:
    """The image has a box; it is the model that has nothing to set beside it."""
    run, data = make_field_model(tmp_path / "run", name), make_fields(tmp_path / "data").parent
    words = ("explain", run, data / "images" / "red-1.png", "--boxes", data / "boxes.csv", "--out", tmp_path / "out")
    printed = " ".join(saccade(*words).output.split())
    assert "reads no patches" in printed and "0 of 1 images" not in printed
    assert not (tmp_path / "out" / "red-1_patches.png").exists()


@pytest.mark.usefixtures("quick")
def test_patches_on_the_truth(saccade: Callable, refused: Callable[..., str], tmp_path: Path) -> None:
    """The control that must know the boxes goes from training to explanation; without boxes it is refused at once."""
    data, run = tmp_path / "data", tmp_path / "run"
    compose_fields(data, counts={"train": 4, "val": 4, "test": 4}, size=256)
    words = ("--model", "oracle-patches", "--set", "training.epochs=2", "--set", "model.budget=4")
    saccade("train", "--data", data, *words, "--out", run)
    saccade("evaluate", run, "--data", data, "--out", tmp_path / "eval")
    assert read_rows(tmp_path / "eval" / "predictions.csv")
    out, image = tmp_path / "out", next((data / "images").iterdir())
    printed = saccade("explain", run, image, "--boxes", data / "boxes.csv", "--out", out).output
    assert "Deletion: " in printed
    (row,) = read_rows(out / "pointing.csv")
    assert (row["box_mass"], row["hit_rate"]) == ("", "1")
    assert Image.open(out / f"{image.stem}_map.png").size == (256, 256), "without a map there is nothing to explain"
    assert "without truth boxes" in refused("predict", run, image, "--out", tmp_path / "table.csv")
    (data / "boxes.csv").unlink()
    line = refused("train", "--data", data, *words, "--out", tmp_path / "none")
    assert "without truth boxes" in line and not (tmp_path / "none").exists()


def test_a_field_too_large_to_decode(saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, path, out = make_field_model(tmp_path / "run"), tmp_path / "large.tif", tmp_path / "out"
    field = np.random.default_rng(0).integers(0, 256, (200, 260, 3), dtype=np.uint8)
    tifffile.imwrite(path, field, tile=(64, 64), photometric="rgb")
    (tmp_path / "boxes.csv").write_text("path,x0,y0,x1,y1\nlarge.tif,10,10,200,190\n")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 20_000)
    monkeypatch.setattr(showing, "LONGEST", 130)
    printed = saccade("explain", run, path, "--boxes", tmp_path / "boxes.csv", "--out", out).output
    assert "too large to decode" in printed and "without faithfulness" in printed
    names = ["large_map.png", "large_patches.png", "large_sites.csv", "pointing.csv"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert "Deletion: " not in printed
    (row,) = read_rows(out / "pointing.csv")
    assert float(row["area"]) == pytest.approx(190 * 180 / (200 * 260), abs=1e-5)
    width, height = Image.open(out / "large_map.png").size
    assert width == 130 and height > 100
    with (out / "large_sites.csv").open() as file:
        heaviest = next(csv.DictReader(file))
    x, y = (int(float(heaviest[name])) for name in ("x0", "y0"))
    shown = np.asarray(Image.open(out / "large_patches.png"))
    beyond = np.pad(field, ((24, 24), (24, 24), (0, 0)), mode="reflect")
    first = shown[36 : 36 + 24 * 8 : 8, 10 : 10 + 24 * 8 : 8]
    np.testing.assert_array_equal(first, beyond[y + 24 : y + 48, x + 24 : x + 48])
    every = make_field_model(tmp_path / "every", "full-image-cnn")
    result = saccade("explain", every, path, "--out", tmp_path / "none", code=2)
    assert "too large for a model that holds every pixel" in result.stderr.splitlines()[0]


def test_a_field_of_another_resolution_is_told(saccade: Callable, tmp_path: Path) -> None:
    """In a line of its own, on the error stream; nothing is skipped."""
    run = make_field_model(tmp_path / "run", mpp=0.5)
    field = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    dots = {"resolution": (1e4 / 0.25,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", field, photometric="rgb", **dots)
    result = saccade("explain", run, tmp_path / "a.tif", "--out", tmp_path / "out")
    said = "states 0.25 micrometres per pixel, the model was trained at 0.5"
    assert f"note: {tmp_path / 'a.tif'}: {said}" in result.stderr.splitlines()


def test_boxes_of_fields_too_large_to_decode(
    saccade: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields in tiled files are pointed at, and read where the truth lies, as the same pixels decoded are."""
    models = {name: make_field_model(tmp_path / name, name, budget=4, patch=24) for name in POINTED}
    found = {}
    for tiled in (False, True):
        data = make_fields(tmp_path / f"data {tiled}", per_class=2, tiled=tiled).parent
        monkeypatch.setattr(image_files, "MAX_PIXELS", HEIGHT * WIDTH // (2 if tiled else 1))
        for name, run in models.items():
            out, image = tmp_path / f"{name} {tiled}", next((data / "images").glob("red-0.*"))
            printed = saccade("explain", run, image, "--boxes", data / "boxes.csv", "--out", out).output
            assert ("without faithfulness" in " ".join(printed.split())) == tiled
            (row,) = read_rows(out / "pointing.csv")
            found[name, tiled] = list(row.values())[1:]
    for name in POINTED:
        assert found[name, True] == found[name, False]
    assert found["oracle-patches", True][1:3] == ["", "1"], "no box mass without a map"


def test_boxes_are_of_fields(refused: Callable[..., str], trained: Path, cells: Path, tmp_path: Path) -> None:
    boxes = make_fields(tmp_path / "data").with_name("boxes.csv")
    assert "run of cells" in refused("explain", trained, cells, "--boxes", boxes, "--out", tmp_path / "out")


def test_images_of_one_name_get_files_of_their_own() -> None:
    paths = [Path("a/x.png"), Path("b/X.bmp"), Path("x_2.png"), Path("y.png")]
    assert list(distinct_names(paths).values()) == ["x", "X_2", "x_2_2", "y"]


def test_a_file_in_place_of_the_folder(refused: Callable[..., str], trained: Path, cells: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "is a file" in refused("explain", trained, cells, "--out", tmp_path / "file")

"""Images of any size and kind go in; answers, in the images' own pixels, come out in order."""

import copy
import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

import saccade
from saccade.core.errors import BadInput
from saccade.datasets.fields import open_fields
from saccade.imaging import image_files, tiled
from saccade.imaging.preprocessing import Preprocessing
from saccade.imaging.tiled_files import TiledFile
from saccade.inference.predictor import Predictor
from saccade.models import create_model
from saccade.models.attention_sampling import AttentionSampling
from saccade.models.packaging import save_model
from tests.imaging.test_tiled import save_huge
from tests.miniature_fields import make_field_model
from tests.models.miniature_fields import seek_light

SIZE = 16


def make_predictor(channels: int = 3, kind: str = "uint8", scale: float = 255.0) -> Predictor:
    torch.manual_seed(0)
    model = create_model("sparse-attn-net", ("a", "b", "c"), channels=channels, budget=30)
    ones = (0.5,) * channels
    return Predictor(model, Preprocessing(SIZE, channels, ones, ones, scale=scale, kind=kind), "cpu")


def picture(height: int = 20, width: int = 30, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return make_predictor()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Images of several types and sizes."""
    paths = [tmp_path / name for name in ("a.png", "b.bmp", "c.jpg", "d.tif")]
    for number, path in enumerate(paths):
        Image.fromarray(picture(10 + 9 * number, 25, seed=number)).save(path)
    return paths


def test_answers_are_those_of_the_bare_model(predictor: Predictor) -> None:
    images = [picture(SIZE, SIZE, seed=seed) for seed in range(5)]
    with torch.no_grad():
        plain = predictor.model(torch.stack([predictor.preprocessing(image) for image in images]))
    for row, result in enumerate(predictor.predict(images, batch_size=2)):
        assert result.label == predictor.classes[int(plain.logits[row].argmax())]
        expected = plain.probabilities[row].tolist()
        assert list(result.probabilities.values()) == pytest.approx(expected, abs=1e-4)


def test_files_and_arrays_of_any_size_in_one_go(predictor: Predictor, files: list[Path]) -> None:
    items = [str(files[0]), files[1], picture(), picture(1, 1), picture(200, 7), *files[2:]]
    results = predictor.predict(items, batch_size=3)
    assert [bool(result.error) for result in results] == [False] * 7
    assert [result.name for result in results[:3]] == [str(files[0]), str(files[1]), "array 3"]
    assert all(sum(result.probabilities.values()) == pytest.approx(1, abs=1e-5) for result in results)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_the_batch_changes_nothing(predictor: Predictor, batch_size: int) -> None:
    images = [picture(9 + seed, 30, seed=seed) for seed in range(4)]
    expected = [predictor.predict([image])[0].probabilities for image in images]
    for one, other in zip(predictor.predict(images, batch_size), expected, strict=True):
        assert one.probabilities == pytest.approx(other, abs=1e-5)


def test_sites_are_in_the_pixels_of_the_original(predictor: Predictor) -> None:
    image = picture(48, 80)
    result = predictor.predict([image])[0]
    boxes, weights = result.boxes, result.weights
    assert boxes.shape == (30, 4)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= 80
    assert boxes[:, 3].max() <= 48
    with torch.no_grad():
        square = predictor.model(predictor.preprocessing(image)[None]).sites.boxes[0].numpy()
    expected = square * [
        80 / SIZE,
        48 / SIZE,
        80 / SIZE,
        48 / SIZE,
    ]  # the sites of an image come in no particular order
    assert np.allclose(boxes[np.lexsort(boxes.T)], expected[np.lexsort(expected.T)])


@pytest.mark.parametrize(("kind", "scale"), [("uint16", 65535.0), ("float32", 1.0)])
def test_arrays_of_the_kind_the_model_was_trained_on(kind: str, scale: float) -> None:
    predictor = make_predictor(1, kind, scale)
    image = (picture(12, 14, 1) / 255 * scale).astype(kind)
    good, flat, wrong = predictor.predict([image, image[..., 0], picture(12, 14, 1)])
    assert good.probabilities == pytest.approx(flat.probabilities)
    assert "holds uint8 values" in wrong.error


def test_tensors_are_taken_for_arrays(predictor: Predictor) -> None:
    image = picture(20, 20)
    channels_first = torch.from_numpy(image).permute(2, 0, 1)
    one, other = predictor.predict([image, channels_first])
    assert one.probabilities == pytest.approx(other.probabilities)


def test_bad_images_are_told_and_the_others_predicted(predictor: Predictor, files: list[Path], tmp_path: Path) -> None:
    truncated, text = tmp_path / "truncated.png", tmp_path / "text.png"
    truncated.write_bytes(files[0].read_bytes()[:200])
    text.write_text("no image")
    nan = np.full((4, 4, 3), np.nan, np.float32)
    items = [files[0], truncated, text, tmp_path / "missing.png", nan, picture(5, 5, 4), "notes.docx", files[1]]
    results = predictor.predict(items, batch_size=3)
    assert [bool(result.error) for result in results] == [False, *[True] * 6, False]
    for item, result in zip(items[1:4], results[1:4], strict=True):
        assert str(item) in result.error
    assert "array 5" in results[4].error
    assert all("\n" not in result.error for result in results)


def test_only_bad_images(predictor: Predictor) -> None:
    results = predictor.predict(["missing.png"] * 3, batch_size=2)
    assert [result.label for result in results] == [""] * 3


def test_nothing_to_predict(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


@pytest.mark.parametrize("item", ["a.png", np.zeros((4, 4, 3), np.uint8)])
def test_one_image_where_a_list_is_meant(predictor: Predictor, item: object) -> None:
    with pytest.raises(BadInput, match="Put it in a list"):
        predictor.predict(item)  # type: ignore[arg-type]


def test_a_batch_of_images_in_one_array(predictor: Predictor) -> None:
    assert len(predictor.predict(np.stack([picture(), picture()]))) == 2


def test_a_batch_size_of_nothing(predictor: Predictor) -> None:
    with pytest.raises(BadInput, match="holds none"):
        predictor.predict([picture()], batch_size=0)


def test_streams_take_no_more_than_two_batches_ahead(predictor: Predictor) -> None:
    taken = 0

    def items() -> Iterator[np.ndarray]:
        nonlocal taken
        for seed in range(100):
            taken += 1
            yield picture(seed=seed)

    stream = predictor.stream(items(), batch_size=4)
    next(stream)
    assert taken == 8
    stream.close()


def test_results_do_not_hold_the_files_pixels(predictor: Predictor, files: list[Path]) -> None:
    results = predictor.predict(files)
    gc.collect()
    assert results[0].item == files[0]
    assert (results[0].image() == cv2.imread(str(files[0]))[..., ::-1]).all()


def test_a_changed_budget_counts(predictor: Predictor) -> None:
    changed = make_predictor()
    changed.model.budget = 7
    assert len(changed.predict([picture()])[0].boxes) == 7
    assert len(predictor.predict([picture()])[0].boxes) == 30


def test_open_and_load_give_the_same_answers(tmp_path: Path, predictor: Predictor) -> None:
    save_model(tmp_path / "model", predictor.model, predictor.preprocessing)
    expected = predictor.predict([picture()])[0].probabilities
    for opened in (Predictor.open(tmp_path / "model", "cpu"), saccade.load(tmp_path / "model", "cpu")):
        assert opened.predict([picture()])[0].probabilities == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiled field above a limit that is lowered to 20,000 pixels, or 80,000 values."""
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, picture(200, 260), tile=(64, 64), photometric="rgb", compression="zlib")
    monkeypatch.setattr(image_files, "MAX_PIXELS", 20_000)
    return path


@pytest.mark.parametrize("name", ["attention-sampling", "attention-front-end", "conditional-sampling", "stain-patches"])
def test_a_field_too_large_to_decode_gives_the_answers_of_its_pixels(tmp_path: Path, large: Path, name: str) -> None:
    options = {"budget": 4, "patch": 32, "factor": 8}
    fields = Predictor.open(make_field_model(tmp_path / "run", name, **options), "cpu")
    expected, *others = fields.predict([picture(200, 260), large, picture(100, 120, seed=1), large])
    assert [result.extent for result in others] == [(200, 260), (100, 120), (200, 260)]
    for found in (others[0], others[2]):
        assert isinstance(found.pixels(), TiledFile)
        assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-5)
        assert (found.boxes == expected.boxes).all() and found.weights == pytest.approx(expected.weights, abs=1e-5)
        assert float(found.cost.pixels_read) == float(expected.cost.pixels_read)
        assert float(found.cost.pixels_looked) == float(expected.cost.pixels_looked)
    with pytest.raises(BadInput, match="above the limit"):
        others[0].image()
    shown = others[0].shown()
    boxes = others[0].sites.boxes[0]
    assert (shown.patches(boxes) == expected.shown().patches(boxes)).all()
    assert others[0].plot().axes[0].get_images()[0].get_array().shape == (200, 260, 3)


def test_what_cannot_be_predicted_from_a_large_file_is_told(
    tmp_path: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = Predictor.open(make_field_model(tmp_path / "every", "full-image-cnn"), "cpu")
    assert "large.tif: is too large for a model that holds every pixel" in every.predict([large])[0].error
    monkeypatch.setattr(tiled, "MAX_OVERVIEW_CELLS", 100)
    small = Predictor.open(make_field_model(tmp_path / "small", "downscaled-cnn"), "cpu")
    assert "large.tif: its overview at 1/5" in small.predict([large])[0].error
    fields = Predictor.open(make_field_model(tmp_path / "fields"), "cpu")
    deep, cut = tmp_path / "deep.tif", tmp_path / "cut.tif"
    tifffile.imwrite(deep, picture(200, 260).astype(np.uint16), tile=(64, 64), photometric="rgb")
    content = bytearray(large.read_bytes())
    with tifffile.TiffFile(large) as file:
        start, length = file.pages[0].dataoffsets[7], file.pages[0].databytecounts[7]
    content[start : start + length] = bytes(length)  # one tile is damaged, which its header does not tell
    cut.write_bytes(content)
    good, *bad = fields.predict([large, deep, cut])
    assert not good.error
    assert "deep.tif: holds uint16 values" in bad[0].error and "cut.tif: is damaged" in bad[1].error


def test_a_field_of_another_resolution_is_told(tmp_path: Path, large: Path) -> None:
    """Decoded or not; one that says nothing, and an array, are taken as they are."""
    fields = Predictor.open(make_field_model(tmp_path / "run", mpp=0.5), "cpu")
    paths = {"alike.tif": 0.45, "finer.tif": 0.25, "wide.tif": 1.0}
    for name, mpp in paths.items():
        pixels = picture(200, 260) if name == "wide.tif" else picture(100, 120)
        dots = {"resolution": (1e4 / mpp,) * 2, "resolutionunit": "CENTIMETER"}
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb", tile=(64, 64), **dots)
    found = fields.predict([*(tmp_path / name for name in paths), large, picture(100, 120)])
    assert not any(result.error for result in found) and all(result.label for result in found)
    assert [bool(result.note) for result in found] == [False, True, True, False, False]
    said = "states 1 micrometres per pixel, the model was trained at 0.5"
    assert found[2].note == f"{tmp_path / 'wide.tif'}: {said}"
    fields.preprocessing = replace(fields.preprocessing, mpp=None)
    assert not any(result.note for result in fields.predict([tmp_path / name for name in paths]))


def test_what_a_cell_states_is_no_matter(tmp_path: Path, predictor: Predictor) -> None:
    cells = copy.copy(predictor)
    cells.preprocessing = replace(predictor.preprocessing, mpp=0.5)
    dots = {"resolution": (1e4 / 2,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", picture(), photometric="rgb", **dots)
    assert cells.predict([tmp_path / "a.tif"])[0].note == ""


@pytest.mark.parametrize("states", [(0.25, 0.25), (0.25, 0.5)], ids=["overruled", "mixed"])
def test_data_that_was_trained_on_is_never_refused(tmp_path: Path, states: tuple[float, float]) -> None:
    """Whatever its files state, and whether the recipe or the median overruled them."""
    paths = []
    for number in range(8):
        dots = {"resolution": (1e4 / states[number // 2 % 2],) * 2, "resolutionunit": "CENTIMETER"}
        paths.append(tmp_path / "data" / "ab"[number % 2] / f"{number}.tif")
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(paths[-1], picture(60, 70, seed=number), photometric="rgb", **dots)
    data = open_fields(tmp_path / "data", mpp=0.5 if states[0] == states[1] else None)
    predictor = Predictor(create_model("attention-sampling", data.classes, factor=8, patch=24), data.preprocessing)
    found = predictor.predict(paths)
    assert not any(result.error for result in found) and all(result.label for result in found)
    assert all(f"the model was trained at {data.preprocessing.mpp:g}" in result.note for result in found)


def test_a_model_of_cells_refuses_what_is_too_large_to_decode(predictor: Predictor, large: Path) -> None:
    assert "above the limit" in predictor.predict([large])[0].error


def make_light_seeker(folder: Path) -> Path:
    """A model that looks where the light is, in a folder to open."""
    model = create_model("attention-sampling", ("a", "b"), budget=20, patch=50, factor=5)
    assert isinstance(model, AttentionSampling)
    seek_light(model.look)
    save_model(folder, model, Preprocessing(None, 3, (0.0,) * 3, (1.0,) * 3))
    return folder


CHILD = """
import json, sys
from pathlib import Path
import numpy as np
import torch
import saccade
from saccade.cli.explain import explain_field
from saccade.evaluation.memory_probe import release, start, status_bytes

torch.set_num_threads(1)
run, slide, out = sys.argv[1:]
predictor = saccade.load(run, "cpu")
explain_field(predictor, predictor.predict([np.zeros((300, 300, 3), np.uint8)])[0], Path(out), "blank")  # imports
release()
base, resettable = start()
result = predictor.predict([slide])[0].or_raise()
predicting = status_bytes("VmHWM") - base
line = explain_field(predictor, result, Path(out), "slide")
explaining = status_bytes("VmHWM") - base
print(json.dumps({
    "predicting": predicting if resettable else None, "explaining": explaining, "boxes": result.boxes.tolist(),
    "looked": result.cost.pixels_looked.item(), "line": line.line,
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's account of the process")
def test_a_slide_of_forty_thousand_is_predicted_and_explained_within_a_gigabyte(tmp_path: Path) -> None:
    """1.6 thousand million pixels; one tile of 256 × 256 is bright, and found."""
    save_huge(tmp_path / "a.tif", 40_000, 256, (100, 37))
    words = [sys.executable, "-c", CHILD, make_light_seeker(tmp_path / "run"), tmp_path / "a.tif", tmp_path / "out"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    child = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout.splitlines()[-1])
    print(f"memory above the imports: {found['predicting']} and {found['explaining']}")  # shown by pytest -rP
    middles = (np.array(found["boxes"])[:, :2] + np.array(found["boxes"])[:, 2:]) / 2
    assert (abs(middles - (37.5 * 256, 100.5 * 256)) < 128 + 5).all()
    assert found["looked"] == 8000**2
    picture = np.asarray(Image.open(tmp_path / "out" / "slide_map.png"))
    assert picture.shape[1:] == (2000, 3) and len(picture) > 2000
    marks = np.argwhere(picture[:2000].min(2) > 200) - (100.5 * 256 / 20, 37.5 * 256 / 20)
    assert len(marks) and np.abs(marks).max() < 300, "outlines and numbers are about the bright tile"
    if found["predicting"] is None:
        pytest.skip("this kernel does not let a process forget its peak")
    assert found["predicting"] < 2**30 and found["explaining"] < 2**30

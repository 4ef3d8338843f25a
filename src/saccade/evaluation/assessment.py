"""How good a trained model is on labelled images, and what it costs: the figures of ``metrics.json``.

Images are streamed and only a row of numbers is kept of each. Those that cannot be opened are counted, named in the
table and left out of the figures.
"""

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from saccade.core.contract import SparseClassifier
from saccade.core.errors import BadInput
from saccade.core.manifest import Manifest, Row
from saccade.core.registry import Scale
from saccade.core.results import Prediction
from saccade.datasets.boxes import needles_by_file
from saccade.datasets.medmnist import stream_images
from saccade.evaluation.cost import count_flops, count_parameters
from saccade.evaluation.memory import peak_memory_bytes
from saccade.evaluation.metrics import Metrics, evaluate_predictions
from saccade.evaluation.speed import compare_speed
from saccade.imaging.image_files import MAX_PIXELS, is_too_large_tiff
from saccade.imaging.opening import Decoded, open_images, some_of
from saccade.imaging.rasters import Rasters
from saccade.inference.bag_loading import bag_item
from saccade.inference.fast import FastModel
from saccade.inference.hub import AnyPredictor, open_predictor
from saccade.inference.predictor import Predictor
from saccade.inference.result import Item, Result, open_item
from saccade.inference.runs import Run
from saccade.inference.slide_predictor import SlidePredictor
from saccade.inference.tables import PredictionTable
from saccade.models import MODELS, create_model, options_of

TIMED_BATCH = 64
"""Images per pass in the speed of ``metrics.json``, and in flight when memory is measured."""

PEERS: dict[Scale, tuple[str, ...]] = {
    "cell": ("tiny-cnn", "vit-tiny", "resnet18"),
    "field": ("downscaled-cnn", "full-image-cnn"),
}
"""The ordinary networks that a report sets beside a model of each scale."""

_SPEED_ROUNDS = 3
_MOST_DECODED = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image to judge a model by.

    Attributes:
        row: What the data says of it.
        label: Its class, as the model numbers it.
        name: That class's name.
        bag: The file of its features, of a slide; ``None`` of an image, which is opened itself.
    """

    row: Row
    label: int
    name: str
    bag: Path | None = None


@dataclass(eq=False)
class Judged:
    """What was predicted, image by image, as numbers alone."""

    images: list[LabelledImage] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    read: list[float] = field(default_factory=list)
    looked: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    extents: list[tuple[int, int]] = field(default_factory=list)
    failed: int = 0

    def add(self, image: LabelledImage, result: Result) -> None:
        """Keep the numbers of one result, or count it as failed."""
        if result.error:
            self.failed += 1
            return
        self.images.append(image)
        self.probabilities.append(list(result.probabilities.values()))
        self.read.append(float(result.cost.pixels_read_fraction))
        self.looked.append(float(result.cost.pixels_looked_fraction))
        self.reads.append(float(result.cost.reads))
        self.extents.append(result.extent)

    @property
    def predicted(self) -> np.ndarray:
        """Number of the class given to each image."""
        return np.argmax(self.probabilities, axis=1)

    def metrics(self, classes: Sequence[str]) -> Metrics:
        """The figures with their intervals."""
        labels = np.array([image.label for image in self.images], dtype=np.int64)
        cases = [image.row.case for image in self.images]
        return evaluate_predictions(np.array(self.probabilities), labels, cases, classes)


def knowing_predictor(run: Run, manifest: Manifest, device: str | None = None) -> AnyPredictor:
    """A run's model to be judged by a manifest; fields come with the truth boxes beside it, for the control on them."""
    predictor = open_predictor(run.package, device)
    if isinstance(predictor, SlidePredictor) or predictor.preprocessing.size is not None:
        return predictor
    return predictor.with_boxes(needles_by_file(manifest))


def judge(
    predictor: AnyPredictor,
    images: Sequence[LabelledImage],
    progress: Callable[[int, int], None] = lambda done, total: None,
    table: PredictionTable | None = None,
    warn: Callable[[str], None] = _log.warning,
) -> Judged:
    """Predict labelled images, writing each to the table.

    Args:
        predictor: The model to judge.
        images: What to judge it by.
        progress: Told how many of how many images are done.
        table: Gets a row for each image.
        warn: Given a line for each image that cannot be opened, and one for all that have a note; they go into the
            log otherwise.

    Raises:
        BadInput: None of the images can be predicted.
    """
    judged = Judged()
    notes: list[str] = []
    opened: list[LabelledImage] = []  # what the predictor has taken from the stream and not yet given back

    def items() -> Iterator[Item]:
        for image, item in stream_items(images):
            opened.append(image)
            yield item

    for done, result in enumerate(predictor.stream(items()), start=1):
        image = opened.pop(0)
        judged.add(image, result)
        if result.error:
            warn(f"skipped: {result.error}")
        if result.note:
            notes.append(result.note)
        if table is not None:
            table.add(result, image.name, image.row.case_id, image.row.name)
        progress(done, len(images))
    if not judged.images:
        raise BadInput(f"none of the {len(images)} images could be predicted", "the lines above say why")
    if notes:  # one line: of data whose files were overruled, every image has a note
        warn(f"note: {notes[0]}" + (f" (and {len(notes) - 1} more)" if notes[1:] else ""))
    return judged


def measure_costs(
    predictor: Predictor, judged: Judged, peers: Sequence[str] | None = None, memory: bool = True
) -> dict[str, dict[str, Any]]:
    """The ``cost`` of ``metrics.json`` by model, the predictor's first: speeds side by side, in one process.

    Peers are built for the same images but not trained: they have a cost and no accuracy.

    Args:
        predictor: The model to measure, on the device it is on.
        judged: Its predictions, whose pixels are counted.
        peers: Names of models to set beside it; those of its scale where not given.
        memory: Whether to measure the model's peak memory, which takes some seconds.
    """
    own = predictor.model.config["model"]
    peers = PEERS[MODELS[own].scale] if peers is None else peers
    images = _made_up(predictor, judged)
    models = {own: predictor.model} | {name: _peer(name, predictor) for name in peers if name != own}
    fast = {name: predictor.fast_form(model) for name, model in models.items()}
    speeds = compare_speed(fast, images, batch=None, rounds=_SPEED_ROUNDS)
    costs: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        pixels = model(some_of(images, 0, 1)).cost
        costs[name] = {
            "parameters": count_parameters(model),
            "flops_per_image": count_flops(model, some_of(images, 0, 1)),
            "pixels_read_fraction": float(pixels.pixels_read_fraction),
            "pixels_looked_fraction": float(pixels.pixels_looked_fraction),
            "images_per_second": speeds[name],
            "images_decoded_per_second": None,
            "peak_memory_bytes": None,
        }
    costs[own]["pixels_read_fraction"] = float(np.mean(judged.read))
    costs[own]["pixels_looked_fraction"] = float(np.mean(judged.looked))
    costs[own]["images_decoded_per_second"] = decoding_speed(predictor, judged.images)
    if memory:
        costs[own]["peak_memory_bytes"] = _peak_memory(predictor, images)
    return costs


def decoding_speed(predictor: Predictor, images: Sequence[LabelledImage]) -> float | None:
    """Files turned into a model's input per second, on one thread: decoded and resized, which every model needs.

    The rest of ``images_per_second`` leaves this out. ``None`` where the images do not lie in files of their own, or
    none is small enough to be decoded.
    """
    files = (image.row.path for image in images if not image.row.member)
    names = [str(path) for path in files if not is_too_large_tiff(path)][:_MOST_DECODED]
    if not names:
        return None
    start = time.perf_counter()
    for name in names:
        predictor.preprocessing.resize(open_item(name, name), name)
    return len(names) / (time.perf_counter() - start)


def _peer(name: str, predictor: Predictor) -> SparseClassifier:
    """A network for the same images."""
    wanted = {"channels": predictor.preprocessing.channels, "size": predictor.preprocessing.size}
    known = {key: value for key, value in wanted.items() if key in options_of(name)}
    return create_model(name, predictor.classes, **known).eval().to(predictor.device)


class ReadyModel(nn.Module):
    """The form that predicts, as the module that the memory probe wants."""

    def __init__(self, model: FastModel) -> None:
        super().__init__()
        self.fast = model

    def forward(self, images: Tensor) -> Prediction:
        """Classify."""
        return self.fast(images)


def ready_model(name: str, classes: tuple[str, ...], **options: Any) -> ReadyModel:
    """Build a model by name in the form that predicts; the memory probe calls this in its own process."""
    return ReadyModel(FastModel(create_model(name, classes, **options)))


def _peak_memory(predictor: Predictor, images: Decoded) -> int | None:
    config = predictor.model.config
    options = {**config["options"], **({"budget": predictor.model.budget} if "budget" in config["options"] else {})}
    arguments = {"name": config["model"], "classes": list(config["classes"]), **options}
    height, width = images.extents[0].tolist() if isinstance(images, Rasters) else images.shape[2:]
    shape = [len(images), predictor.preprocessing.channels, height, width]
    stored = isinstance(images, Rasters)
    return peak_memory_bytes("saccade.evaluation.assessment:ready_model", arguments, shape=shape, stored=stored)


def _made_up(predictor: Predictor, judged: Judged) -> Decoded:
    """Images of the model's size, or one field as large as the first that was judged; their content changes no cost.

    Instead of a field that is too large to decode, the largest square that is not.
    """
    size, channels = predictor.preprocessing.size, predictor.preprocessing.channels
    generator = torch.Generator().manual_seed(0)
    if size is not None:
        return torch.rand(TIMED_BATCH, channels, size, size, generator=generator).to(predictor.device)
    height, width = judged.extents[0]
    if height * width > MAX_PIXELS:
        height = width = math.isqrt(MAX_PIXELS)
    values = 255 * torch.rand(height, width, channels, generator=generator)
    kind = predictor.preprocessing.kind
    field = values.numpy().astype(np.float32 if kind == "float32" else kind)
    box = torch.tensor([[[0.0, 0.0, width, height]]])  # for a control that reads where the truth lies
    return open_images([field], predictor.preprocessing, predictor.device, box)


def stream_items(images: Sequence[LabelledImage]) -> Iterator[tuple[LabelledImage, Item]]:
    """Each image with what the predictor can open: its path, or its pixels where a file holds many."""
    archives: dict[Path, dict[str, LabelledImage]] = defaultdict(dict)
    for image in images:
        if image.bag is not None:
            yield image, bag_item(image.bag, image.row.mpp)
        elif image.row.member:
            archives[image.row.path][image.row.member] = image
        else:
            yield image, image.row.path
    for path, members in archives.items():
        for name, pixels in stream_images(path, set(members)):
            yield members[name], pixels

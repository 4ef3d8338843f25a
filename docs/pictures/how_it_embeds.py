"""Draw the pictures of docs/how-to/a_real_slide.md from a job of `saccade embed` over the two slides it walks through.

    saccade embed ../shared/data/slides --source-mpp 0.25 --out job
    python docs/pictures/how_it_embeds.py ../shared/data/slides job docs/pictures

`cmu-1-small-region.svs` (OpenSlide's test data, Carnegie Mellon University, CC0 1.0) gives `slide_embedded.jpg`: the
preview, and the patches coloured by the first three principal components of their features.
`fluorescence-dapi.ndpi` (M. Stritt, CC BY 4.0) gives `slide_fluorescent.jpg`: its preview.
"""

import io
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from saccade.features.store import Bag, open_bag
from saccade.imaging.slides import open_slide

H_AND_E, GLOWING = "cmu-1-small-region", "fluorescence-dapi"


def draw(slides: Path, job: Path, out: Path) -> None:
    """Both pictures."""
    (path,) = job.glob(f"*/features_*/{H_AND_E}.h5")
    seen, downsample = open_slide(slides / f"{H_AND_E}.svs").thumbnail(side=1024)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 6.8), constrained_layout=True)
    left.imshow(Image.open(job / "tissue" / "preview" / f"{H_AND_E}.jpg"))
    right.imshow(seen)
    paint(right, open_bag(path), downsample)
    for axis, title in ((left, "tissue and patches"), (right, "the patches by their features")):
        axis.set_title(title, fontsize=12)
        axis.axis("off")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=90)
    save(Image.open(picture), out / "slide_embedded.jpg")
    save(Image.open(job / "tissue" / "preview" / f"{GLOWING}.jpg"), out / "slide_fluorescent.jpg")


def paint(axis: plt.Axes, bag: Bag, downsample: float) -> None:
    """Each patch in the colour that its features have among the others."""
    assert bag.patch_size_level0 is not None
    side = bag.patch_size_level0 / downsample
    for (x, y), colour in zip(bag.coords / downsample, colours_of(bag.load()), strict=True):
        axis.add_patch(plt.Rectangle((x, y), side, side, facecolor=(*colour, 0.62), edgecolor="white", linewidth=0.6))


def colours_of(features: np.ndarray) -> np.ndarray:
    """The first three principal components, each from 0 to 1 by rank: alike features, alike colours."""
    spread = features.std(axis=0)
    centred = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    scores = centred @ np.linalg.svd(centred, full_matrices=False)[2][:3].T
    return scores.argsort(axis=0).argsort(axis=0) / max(1, len(scores) - 1)


def save(picture: Image.Image, path: Path) -> None:
    """A small JPEG; what cannot be seen is not kept."""
    picture.convert("RGB").save(path, quality=86, optimize=True)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:4]))

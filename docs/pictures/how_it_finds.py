"""Draw docs/pictures/how_it_finds.jpg: two simulated fields, the map of the look over them, the patches read.

    python docs/pictures/how_it_finds.py demo/fields docs/pictures/how_it_finds.jpg

Takes the fields and the run that `saccade demo fields` leaves behind: the first two of the test part.
"""

import io
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

import saccade
from saccade.explanation.field_maps import field_maps
from saccade.imaging.distinct_sites import cut_patches, distinct_sites
from saccade.imaging.field_drawing import field_picture

TITLES = ("the field", "look: where to read", "read, classify")
PATCHES = 2


def draw(demo: Path, out: str) -> None:
    """One row per field, one column per step."""
    predictor = saccade.load(demo / "run")
    paths = sorted((demo / "data" / "images").glob("test_*"))[:2]
    figure, axes = plt.subplots(len(paths), 3, figsize=(10.4, 7.8), width_ratios=(1, 1, 0.7), constrained_layout=True)
    for row, path in zip(axes, paths, strict=True):
        result = predictor.predict([path])[0]
        image, sites = result.image(), distinct_sites(result.sites)
        maps = field_maps(predictor.model, predictor.open_images([image]))
        assert maps is not None
        row[0].imshow(image)
        row[1].imshow(field_picture(image, relative=maps[0].relative.numpy(), factor=maps[0].factor, sites=sites))
        patches = cut_patches(image, sites.boxes[0][:PATCHES])
        inner = row[2].inset_axes((0.04, 0.2, 0.96, 0.7))
        inner.axis("off")
        for place, (patch, weight) in enumerate(zip(patches, sites.weights[0].tolist(), strict=False)):
            shown = inner.inset_axes((place / PATCHES, 0, 0.94 / PATCHES, 1))
            shown.imshow(patch)
            shown.set_title(f"weight {weight:.0%}", fontsize=9)
            shown.axis("off")
        row[2].set_title(f"{result.label} {result.probabilities[result.label]:.0%}", y=0.2, fontsize=11)
        for axis in row:
            axis.axis("off")
    for axis, title in zip(axes[0], TITLES, strict=True):
        axis.text(0.5, 1.04, title, transform=axis.transAxes, ha="center", fontsize=12)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=90)
    Image.open(picture).convert("RGB").save(out, quality=88, optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), sys.argv[2])

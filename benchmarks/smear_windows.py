"""Windows of virtual smears, each with the class of its cell: what the model of cells learns from before slides are.

Single cells as PBC photographed them would not do: smears have other glass, and red cells beside. The windows come of
smears composed for them alone, of crops that no donor's slide has, on backgrounds that no donor has.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from saccade.core.files import write_bytes, write_csv
from saccade.datasets.composers.cutting import cut_cell
from saccade.datasets.composers.fields import Field
from saccade.datasets.composers.materials import Material
from saccade.datasets.composers.virtual_smears import SmearSettings, VirtualSmears

NOTHING = "none"
"""The class of windows with red cells and glass alone."""

_EMPTY = 3  # windows without a cell from each smear
_SMEARS = {"train": 20, "val": 4}  # of each class's turn to be the rare one


def compose_windows(
    folder: Path,
    crops: Sequence[Material],
    backgrounds: Sequence[Material],
    settings: SmearSettings,
    side: int,
) -> Path:
    """Write windows and their manifest; the crops' parts become the windows'.

    Args:
        folder: To write to.
        crops: Single cells in the parts ``train`` and ``val``.
        backgrounds: Smears, dealt to both parts in turn, four to one.
        settings: What smears are like; every class is the rare one for some of them, so that none is rare in all.
        side: Of a window in pixels; a cell's middle lies within a quarter of it from the window's.
    """
    crops = [each for each in crops if cut_cell(each.load()) is not None]
    dealt = [replace(each, label="", part="val" if n % 5 == 4 else "train") for n, each in enumerate(backgrounds)]
    rows = []
    dice = np.random.default_rng(0)
    for name in sorted({each.label for each in crops}):
        made = VirtualSmears(crops, dealt, replace(settings, marked=(name,)))
        for part, count in _SMEARS.items():
            for slide in made.slides(part, count):
                for number, (label, window) in enumerate(windows(slide, side, dice)):
                    path = f"{label}/{name}_{slide.name}_{number:02d}.png"
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    write_bytes(
                        folder / path, cv2.imencode(".png", np.ascontiguousarray(window[..., ::-1]))[1].tobytes()
                    )
                    rows.append((path, label, f"{name}_{slide.name}", part))
    write_csv(folder / "manifest.csv", ("path", "label", "case_id", "split"), rows)
    return folder / "manifest.csv"


def windows(slide: Field, side: int, dice: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """A window for each cell of a smear, and some that hold none."""
    taken = np.zeros(slide.image.shape[:2], np.uint8)
    room = np.array(slide.image.shape[1::-1]) - side
    for marked in slide.boxes:
        x0, y0, x1, y1 = marked.box
        cv2.rectangle(taken, (x0, y0), (x1, y1), 1, cv2.FILLED)
        middle = np.array([x0 + x1, y0 + y1]) // 2 + dice.integers(-side // 4, side // 4 + 1, 2)
        x, y = np.clip(middle - side // 2, 0, room)
        yield marked.label, slide.image[y : y + side, x : x + side]
    empty = 0
    while empty < _EMPTY:
        x, y = dice.integers(0, room + 1)
        if not taken[y : y + side, x : x + side].any():
            empty += 1
            yield NOTHING, slide.image[y : y + side, x : x + side]

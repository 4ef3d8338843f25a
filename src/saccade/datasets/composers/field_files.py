"""Composed fields on disk: images, the manifest that lists them and the boxes that are their truth.

``manifest.csv`` (path, label, case_id, split) is loaded like any other; ``boxes.csv`` beside it has one row for each
thing pasted: path, x0, y0, x1, y1, label and kind (needle, distractor or decoy).
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2

from saccade.core.files import new_folder, write_bytes, write_csv
from saccade.datasets.boxes import BOXES_NAME
from saccade.datasets.composers.fields import Field

BOX_COLUMNS = ("path", "x0", "y0", "x1", "y1", "label", "kind")
_FASTEST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def write_fields(
    folder: Path | str,
    fields: Iterable[Field],
    total: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
    quality: int | None = None,
) -> Path:
    """Write fields with their manifest and boxes; returns the manifest's path.

    Args:
        folder: New or empty.
        fields: Taken one at a time.
        total: How many there will be, for ``progress``.
        progress: Told how many of how many fields are written.
        quality: Of JPEG, 1 to 100; lossless PNG where not given.

    Raises:
        BadInput: The folder holds something already.
    """
    folder = new_folder(folder)
    rows: list[tuple[str, ...]] = []
    boxes: list[tuple[str | int, ...]] = []
    suffix, options = (".png", _FASTEST) if quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])
    for done, each in enumerate(fields, 1):
        path = f"images/{each.name}{suffix}"
        pixels = each.image[..., ::-1] if each.image.shape[2] == 3 else each.image
        write_bytes(folder / path, cv2.imencode(suffix, pixels, options)[1].tobytes())
        rows.append((path, each.label, each.case_id, each.part))
        boxes += [(path, *marked.box, marked.label, marked.kind) for marked in each.boxes]
        progress(done, total)
    write_csv(folder / BOXES_NAME, BOX_COLUMNS, boxes)
    manifest = folder / "manifest.csv"
    write_csv(manifest, ("path", "label", "case_id", "split"), rows)
    return manifest

"""The patches of a slide as a table: a CSV that any program opens."""

from collections.abc import Iterator
from pathlib import Path

from saccade.core.files import write_csv
from saccade.explanation.slide_sites import SlideSites

COLUMNS = ("x", "y", "width", "height", "weight", "signed", "rank")


def write_slide_table(path: Path | str, sites: SlideSites) -> None:
    """Write one row per patch, the heaviest first, whole or not at all.

    Corner and size are in base pixels, counted from the corner of the file (OpenSlide's); ``signed`` is the evidence
    in log-odds; ranks begin at 1.

    >>> import numpy as np
    >>> write_slide_table("a.csv", SlideSites(np.array([[0.0, 0, 4, 4]]), np.array([1.0]), np.array([-0.5])))
    >>> Path("a.csv").read_text().splitlines()[1]
    '0,0,4,4,1,-0.5,1'
    """
    write_csv(path, COLUMNS, _rows(sites))


def _rows(sites: SlideSites) -> Iterator[tuple[str, ...]]:
    for rank, site in enumerate(sites.order.tolist(), start=1):
        x0, y0, x1, y1 = sites.boxes[site].tolist()
        figures = (x0, y0, x1 - x0, y1 - y0)
        numbers = (f"{sites.weights[site]:.6g}", f"{sites.evidence[site]:.6g}", str(rank))
        yield (*(f"{round(figure, 3):.12g}" for figure in figures), *numbers)

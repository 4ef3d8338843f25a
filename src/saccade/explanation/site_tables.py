"""Site tables: where a model read, as a CSV that any program opens."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from saccade.core.errors import BadInput
from saccade.core.files import write_csv
from saccade.core.results import Sites

COLUMNS = ("path", "rank", "x0", "y0", "x1", "y1", "weight")


def write_site_table(path: Path | str, names: Sequence[str], sites: Sequence[Sites]) -> None:
    """Write one row per site: its box in base pixels and its weight, heaviest first within an image.

    Args:
        path: The CSV to write, whole or not at all.
        names: Path or name of each image.
        sites: The sites of each image, each a batch of one.

    Raises:
        BadInput: There is not one name for each image.
    """
    if len(names) != len(sites):
        raise BadInput(f"{len(names)} names were given for {len(sites)} images", remedy="pass one name for each image")
    write_csv(path, COLUMNS, (row for name, one in zip(names, sites, strict=True) for row in site_rows(name, one)))


def site_rows(name: str, sites: Sites) -> Iterator[tuple[str, int, float, float, float, float, float]]:
    """The rows of one image, ranked from 1 by weight; padding is left out."""
    if len(sites.weights) != 1:
        raise BadInput(f"sites of {len(sites.weights)} images were given as one", remedy="slice them: sites[i]")
    valid = sites.valid[0].cpu()
    weights, boxes = sites.weights[0].cpu()[valid], sites.boxes[0].cpu()[valid]
    order = weights.argsort(descending=True, stable=True)
    for rank, site in enumerate(order.tolist(), start=1):
        x0, y0, x1, y1 = (round(edge, 3) for edge in boxes[site].tolist())
        yield name, rank, x0, y0, x1, y1, float(f"{weights[site].item():.6g}")

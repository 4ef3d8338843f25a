"""How tissue is looked for. The same for every stain: nothing here says which one it is."""

from dataclasses import asdict, dataclass, fields
from math import isfinite

from saccade.core.errors import BadInput


@dataclass(frozen=True)
class TissueSettings:
    """Lengths in micrometres and areas in square millimetres, so that they mean the same on every slide.

    >>> TissueSettings(min_area_mm2=0.1).as_dict()["min_area_mm2"]
    0.1

    Raises:
        BadInput: A length or area that is negative or no number, or a share outside 0 … 1.
    """

    thumbnail_mpp: float = 8.0
    """Micrometres per pixel of the thumbnail tissue is looked for on."""
    min_area_mm2: float = 0.02
    """Smaller pieces are dropped: dust. A patch of 224 pixels at 0.5 µm is 0.0125 mm²."""
    min_relative: float = 0.001
    """Pieces below this share of the largest one are dropped too: crumbs of a resection."""
    min_hole_mm2: float = 0.05
    """Smaller holes are filled: vessels, glands, fat cells, cracks."""
    drop_pen: bool = True
    """Leave out marks of blue, green, red and black pens. Turn off where a dye is as blue or green as ink."""
    drop_corners: bool = True
    """Leave out black that reaches in from the image's edge, where a scanner saw no glass."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            highest = 1.0 if field.name == "min_relative" else float("inf")
            if not (isfinite(value) and 0 <= value <= highest):
                raise BadInput(f"tissue setting {field.name} = {value:g}", "use a number that is not negative")
        if self.thumbnail_mpp == 0:
            raise BadInput("tissue setting thumbnail_mpp = 0", "use micrometres per pixel, such as 8")

    def as_dict(self) -> dict[str, float | bool]:
        """Every setting by its name, as what was found depends on."""
        return asdict(self)

"""Where the truth lies in slides, out of GeoJSON: the outlines of one class, as reports take them.

A pathologist outlines stroma and glands beside the tumour. Together they are all of the tissue, and that all of the
weight lies in the tissue means nothing.
"""

from dataclasses import dataclass
from pathlib import Path

from saccade.core.errors import BadInput
from saccade.imaging.tissue.geojson import load_outlines, read_classified
from saccade.imaging.tissue.outlines import Outline


@dataclass(frozen=True, eq=False)
class SlideRegion:
    """The outlines of one class in a slide.

    Attributes:
        outlines: In base pixels; empty where none is of the class.
        wanted: Name of the class.
        held: Names of the classes in the file; where there is none, all outlines are taken.
    """

    outlines: list[Outline]
    wanted: str
    held: tuple[str, ...]

    @property
    def told(self) -> str:
        """What the outlines are of, or why there are none."""
        if self.outlines:
            return f"outlines of {self.wanted}" if self.held else "all outlines, as none has a class"
        return f"no outline of {self.wanted}, only of {', '.join(self.held)}" if self.held else "no outline"


@dataclass(frozen=True)
class RegionFiles:
    """Files of outlines: one for every slide, or a folder of ``SLIDE.geojson`` for some.

    >>> import json
    >>> ring = [[0, 0], [8, 0], [8, 4], [0, 0]]
    >>> geometry, of = {"type": "Polygon", "coordinates": [ring]}, {"classification": {"name": "Tumour"}}
    >>> _ = Path("a.geojson").write_text(json.dumps({"type": "Feature", "geometry": geometry, "properties": of}))
    >>> RegionFiles(Path(".")).region("a", "tumour").told, RegionFiles(Path(".")).region("a", "normal").told
    ('outlines of tumour', 'no outline of normal, only of Tumour')

    Args:
        path: The file or the folder.
        chosen: Name of the class whose outlines are taken; ``None`` takes those of the class that is explained.

    Raises:
        BadInput: There is no such path.
    """

    path: Path
    chosen: str | None = None

    def __post_init__(self) -> None:
        if not self.path.exists():
            raise BadInput("there is no such file or folder", "correct --regions", str(self.path))

    def file_of(self, slide: str) -> Path | None:
        """The file of a slide, if there is one."""
        path = self.path / f"{slide}.geojson" if self.path.is_dir() else self.path
        return path if path.is_file() else None

    def region(self, slide: str, target: str, offset: tuple[int, int] = (0, 0)) -> SlideRegion | None:
        """The outlines of a slide that are of the chosen class, else of the class that is explained.

        Names are compared in any case of letters. Where no outline has a class, all are taken.

        Args:
            slide: Its name, as the file's.
            target: The class that is explained.
            offset: Corner x, y of the part of the slide that QuPath shows.

        Returns:
            ``None`` where the slide has no file.

        Raises:
            BadInput: The file is no GeoJSON.
        """
        path = self.file_of(slide)
        if path is None:
            return None
        wanted = self.chosen or target
        held = tuple(sorted({name for name, _ in read_classified(path) if name}))
        return SlideRegion(load_outlines(path, [wanted] if held else None, offset), wanted, held)

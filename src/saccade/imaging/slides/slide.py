"""A slide file as everyone uses it: facts that were read once, and pixels wherever they are asked for."""

from dataclasses import dataclass, replace
from pathlib import Path

from saccade.core.errors import BadInput
from saccade.core.units import plausible_mpp
from saccade.imaging.slides.errors import MissingMpp
from saccade.imaging.slides.handles import HANDLES
from saccade.imaging.slides.mpp import StatedMpp
from saccade.imaging.slides.opening import open_reader
from saccade.imaging.slides.reader import Box, Picture, SlideFacts, SlideLevel, SlideReader
from saccade.imaging.slides.thumbnails import averaged, level_for


@dataclass(frozen=True)
class Slide:
    """A slide: what its file says, and a door to its pixels.

    It holds no open file: each process opens its own when pixels are first asked for, and keeps a few open
    (``handles``). So a slide may be pickled, and used by forked and spawned processes, threads and data loaders.

    >>> slide = open_slide("images/second.bmp")
    >>> slide.width, slide.height, slide.backend
    (48, 48, 'image')
    >>> slide.read_region(8, 16, level=0, width=4, height=2).shape
    (2, 4, 3)

    Attributes:
        path: The file, or the folder of a DICOM series.
        facts: What it says of itself.
    """

    path: Path
    facts: SlideFacts

    @property
    def levels(self) -> tuple[SlideLevel, ...]:
        """The resolutions, finest first."""
        return self.facts.levels

    @property
    def height(self) -> int:
        """Rows of the finest level."""
        return self.levels[0].height

    @property
    def width(self) -> int:
        """Columns of the finest level."""
        return self.levels[0].width

    @property
    def backend(self) -> str:
        """Which reader: ``openslide``, ``tifffile`` or ``image``."""
        return self.facts.backend

    @property
    def vendor(self) -> str:
        """Whose format it is."""
        return self.facts.vendor

    @property
    def bounds(self) -> Box | None:
        """x, y, width and height of the part that was scanned, where the file tells."""
        return self.facts.bounds

    @property
    def associated(self) -> tuple[str, ...]:
        """Names of the pictures beside the slide."""
        return self.facts.associated

    @property
    def has_pyramid(self) -> bool:
        """Whether there are coarser levels; without them, a thumbnail unpacks the whole file."""
        return len(self.levels) > 1

    @property
    def stated_mpp(self) -> StatedMpp | None:
        """Micrometres per base pixel, where anyone has said."""
        return self.facts.stated_mpp

    @property
    def mpp(self) -> StatedMpp:
        """Micrometres per base pixel and who says so.

        Raises:
            MissingMpp: Nobody does.
        """
        if self.stated_mpp is None:
            raise MissingMpp.of(self.path, self.facts.mpp_doubt)
        return self.stated_mpp

    def with_mpp(self, value: float, source: str) -> "Slide":
        """The same slide with these micrometres per base pixel, whatever its file says.

        >>> open_slide("images/second.bmp").with_mpp(0.25, "--source-mpp").mpp
        StatedMpp(value=0.25, source='--source-mpp')

        Raises:
            BadInput: No light microscope has such a pixel.
        """
        stated = StatedMpp(plausible_mpp(value, str(self.path)), source)
        return replace(self, facts=replace(self.facts, stated_mpp=stated, mpp_doubt=""))

    def read_region(self, x: int, y: int, level: int, width: int, height: int) -> Picture:
        """The pixels of a level from a place on; beyond the image, the background of the file, or white.

        Places that are a multiple of the level's downsample are exact in all readers; in between, they are off by
        less than a pixel of that level.

        Args:
            x: Left edge in base pixels; may be negative.
            y: Top edge in base pixels.
            level: Number of the level, 0 for the finest.
            width: Columns, in pixels of that level.
            height: Rows, in pixels of that level.

        Raises:
            BadInput: There is no such level, or the region is empty.
            UnreadableSlide: The file is damaged there; the next region may be sound.
        """
        return self._reader().read_region(x, y, level, width, height)

    def associated_image(self, name: str) -> Picture:
        """One of the pictures beside the slide, by its name in ``associated``.

        Raises:
            BadInput: There is none of that name.
            UnreadableSlide: It is damaged.
        """
        return self._reader().associated_image(name)

    def thumbnail(
        self, *, mpp: float | None = None, side: int | None = None, threads: int = 1
    ) -> tuple[Picture, float]:
        """The whole slide, averaged, and its downsample: base pixels along the side of one of its pixels.

        Taken from the coarsest level at least as fine; without a pyramid, the whole file goes by in bands, so that
        memory is bounded by the thumbnail and a few million pixels.

        >>> picture, downsample = open_slide("images/second.bmp").thumbnail(side=16)
        >>> picture.shape, downsample
        ((16, 16, 3), 3.0)

        Args:
            mpp: Micrometres per pixel of the thumbnail, or
            side: the length of its longer side in pixels. Never finer than the slide itself.
            threads: Threads that unpack, where the reader can use several.

        Raises:
            BadInput: Not exactly one of the two, or not above zero.
            MissingMpp: ``mpp`` is asked for, and nobody said how large the slide's pixels are.
            UnreadableSlide: The file is damaged.
        """
        if (mpp is None) == (side is None) or (mpp or side or 0) <= 0:
            raise BadInput("a thumbnail has either an mpp or a side", "give one of them, above zero", str(self.path))
        longest = max(self.width, self.height)
        downsample = max(1.0, mpp / self.mpp.value if mpp is not None else longest / (side or longest))
        number = level_for(self.levels, downsample)
        reader = self._reader()
        reader.unpack(number, threads)

        def fetch(x: int, y: int, width: int, height: int) -> Picture:
            return reader.read_region(x, y, number, width, height)

        return averaged(self.levels[number], (self.height, self.width), downsample, fetch), downsample

    def close(self) -> None:
        """Let this process's open file go; it opens again where pixels are next asked for."""
        HANDLES.get().drop(self.path)

    def _reader(self) -> SlideReader:
        return HANDLES.get().reader(self.path, open_reader)


def open_slide(path: Path | str) -> Slide:
    """Open a slide file, or a folder that holds one DICOM series.

    Args:
        path: Where it is.

    Raises:
        UnsupportedSlide: No reader knows what it is.
        UnreadableSlide: It is missing or damaged.
    """
    path = Path(path)
    reader = open_reader(path)
    HANDLES.get().keep(path, reader)  # in place of an older one: the file may have been replaced
    return Slide(path, reader.facts)

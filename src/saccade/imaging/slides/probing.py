"""A taste of a slide: enough to find most damage, without unpacking gigapixels."""

from saccade.imaging.slides.slide import Slide

_SIDE = 256


def probe(slide: Slide) -> None:
    """Fetch a little of every level: its middle and the corners, the last of which a cut file has lost.

    >>> from saccade.imaging.slides.slide import open_slide
    >>> probe(open_slide("images/second.bmp"))

    Raises:
        UnreadableSlide: Naming the first place that cannot be read.
    """
    for number, level in enumerate(slide.levels):
        side = min(_SIDE, level.width, level.height)
        right, bottom = level.width - side, level.height - side
        for left, top in {(right // 2, bottom // 2), (0, 0), (right, bottom), (right, 0), (0, bottom)}:
            x, y = int(left * level.downsample), int(top * level.downsample)
            slide.read_region(x, y, number, side, side)

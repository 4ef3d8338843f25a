"""From a slide to its tissue, and the thumbnail it was seen on."""

from pathlib import Path

from saccade.imaging.slides import Slide
from saccade.imaging.slides.reader import Picture
from saccade.imaging.slides.thumbnails import coarser
from saccade.imaging.tissue.finding import find_tissue
from saccade.imaging.tissue.masks import own_tissue
from saccade.imaging.tissue.settings import TissueSettings
from saccade.imaging.tissue.tissue import Tissue

_SEEN = 1024  # pixels along the longer side of a thumbnail, where the slide has them: small slides are to be seen too


def tissue_of(
    slide: Slide, settings: TissueSettings, own: Path | None = None, threads: int = 1
) -> tuple[Tissue, Picture]:
    """Find a slide's tissue, or take what its user outlined.

    Tissue is looked for at the resolution of the settings. The thumbnail returned has that too, but for small slides,
    of which it would show little: theirs is finer, up to 1,024 pixels long.

    >>> from saccade.imaging.slides import open_slide
    >>> slide = open_slide("images/second.bmp").with_mpp(0.5, "--source-mpp")
    >>> tissue_of(slide, TissueSettings())[1].shape
    (48, 48, 3)

    Args:
        slide: The slide.
        settings: How it is looked for.
        own: The user's own mask, a picture or GeoJSON.
        threads: Threads that may unpack the slide.

    Raises:
        MissingMpp: Nobody said how large the slide's pixels are.
        UnreadableSlide: It is damaged.
        BadInput: The mask cannot be used.
    """
    mpp = slide.mpp.value
    wanted = settings.thumbnail_mpp / mpp
    fine_enough = min(settings.thumbnail_mpp, max(slide.width, slide.height) * mpp / _SEEN)
    seen, fine = slide.thumbnail(mpp=fine_enough, threads=threads)
    if own is not None:
        return own_tissue(own, slide.width, slide.height, wanted, mpp), seen
    if fine >= wanted:
        return find_tissue(seen, fine, mpp, settings), seen
    small = coarser(seen, fine, (slide.height, slide.width), wanted)
    return find_tissue(small, wanted, mpp, settings), seen

"""What there is to say of a slide before it is used, in sections of short facts."""

from collections.abc import Callable, Iterator

from saccade.imaging.slides.dicom import is_dicom
from saccade.imaging.slides.errors import UnreadableSlide
from saccade.imaging.slides.slide import Slide

Fact = tuple[str, str]
"""What it is about, and what there is to say."""

Section = Callable[[Slide], Iterator[Fact]]
"""What there is to say about one side of a slide."""

_READERS = {"openslide": "OpenSlide", "tifffile": "tifffile", "image": "decoding it whole"}


def described(slide: Slide, further: tuple[Section, ...] = ()) -> list[Fact]:
    """The file, its resolution, its levels and the pictures beside it, then whatever else can be said.

    >>> from saccade.imaging.slides.slide import open_slide
    >>> described(open_slide("images/second.bmp"))[1]
    ('format', 'bmp, read by decoding it whole')

    Args:
        slide: The slide.
        further: Sections of those who know more, such as how much of it is tissue.
    """
    return [fact for section in (*_SECTIONS, *further) for fact in section(slide)]


def _file(slide: Slide) -> Iterator[Fact]:
    folder = slide.path.is_dir()  # its DICOM files are of one series, or it would not have been opened
    files = [file for file in slide.path.iterdir() if is_dicom(file)] if folder else [slide.path]
    size = sum(file.stat().st_size for file in files)
    yield "file", f"{size / 2**20:,.1f} MiB" if size >= 2**20 else f"{size:,} bytes"
    yield "format", f"{slide.vendor}, read by {_READERS[slide.backend]}"
    if slide.facts.simulated:
        yield "simulated", "yes: made by a program, not a photograph of tissue"


def _resolution(slide: Slide) -> Iterator[Fact]:
    stated = slide.stated_mpp
    if stated is None:
        doubt = f" ({slide.facts.mpp_doubt})" if slide.facts.mpp_doubt else ""
        yield "µm per pixel", f"not stated{doubt}: give the manifest's mpp column or --source-mpp"
        return
    yield "µm per pixel", f"{stated.value:.4g}, from {stated.source}; about {10 / stated.value:.3g}x"
    width, height = (side * stated.value / 1000 for side in (slide.width, slide.height))
    yield "extent", f"{width:.3g} x {height:.3g} mm"


def _levels(slide: Slide) -> Iterator[Fact]:
    for number, level in enumerate(slide.levels):
        size = f"{level.width} x {level.height} pixels, 1/{level.downsample:.4g}"
        mpp = f", {slide.stated_mpp.value * level.downsample:.4g} µm per pixel" if slide.stated_mpp else ""
        yield f"level {number}", size + mpp
    if not slide.has_pyramid and slide.backend != "image":
        yield "pyramid", "none: a thumbnail unpacks the whole file"
    if slide.bounds is not None:
        x, y, width, height = slide.bounds
        yield "scanned part", f"{width} x {height} pixels at x {x}, y {y}"


def _pictures(slide: Slide) -> Iterator[Fact]:
    for name in slide.associated:
        try:
            height, width, _ = slide.associated_image(name).shape
            yield name, f"{width} x {height} pixels"
        except UnreadableSlide as error:
            yield name, error.message
    yield "background", "#{:02x}{:02x}{:02x}".format(*slide.facts.background)


_SECTIONS: tuple[Section, ...] = (_file, _resolution, _levels, _pictures)

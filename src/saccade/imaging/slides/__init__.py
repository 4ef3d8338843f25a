"""Slide files of any size and vendor: opened, found in folders and manifests, read by region or as a thumbnail."""

from saccade.imaging.slides.errors import MissingMpp, SlideError, UnreadableSlide, UnsupportedSlide
from saccade.imaging.slides.finding import FoundSlide, find_slides, slides_of
from saccade.imaging.slides.mpp import StatedMpp
from saccade.imaging.slides.reader import SlideLevel
from saccade.imaging.slides.slide import Slide, open_slide

__all__ = [
    "FoundSlide",
    "MissingMpp",
    "Slide",
    "SlideError",
    "SlideLevel",
    "StatedMpp",
    "UnreadableSlide",
    "UnsupportedSlide",
    "find_slides",
    "open_slide",
    "slides_of",
]

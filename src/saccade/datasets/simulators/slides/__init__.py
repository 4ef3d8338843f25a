"""Simulated slides: haematoxylin and eosin from a description, at any size. Never a photograph."""

from saccade.datasets.simulators.slides.description import KINDS, PenStroke, Region, SlideDescription
from saccade.datasets.simulators.slides.layout import draw_slide
from saccade.datasets.simulators.slides.rendering import SlideRenderer
from saccade.datasets.simulators.slides.writing import simulate_slide, write_slide

__all__ = [
    "KINDS",
    "PenStroke",
    "Region",
    "SlideDescription",
    "SlideRenderer",
    "draw_slide",
    "simulate_slide",
    "write_slide",
]

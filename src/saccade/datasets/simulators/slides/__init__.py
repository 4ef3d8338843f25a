"""Simulated slides: haematoxylin and eosin from a description, at any size. Never a photograph."""

from saccade.datasets.simulators.slides.bags import simulate_bags
from saccade.datasets.simulators.slides.description import KINDS, PenStroke, Region, SlideDescription
from saccade.datasets.simulators.slides.layout import draw_slide
from saccade.datasets.simulators.slides.patch_grids import PatchGrid, describe_grid, simulate_features
from saccade.datasets.simulators.slides.rendering import SlideRenderer
from saccade.datasets.simulators.slides.sets import simulate_slides
from saccade.datasets.simulators.slides.tasks import TASKS, GlobalTask, PyramidTask, ShiftTask, draw_grids
from saccade.datasets.simulators.slides.writing import simulate_slide, write_slide

__all__ = [
    "KINDS",
    "TASKS",
    "GlobalTask",
    "PatchGrid",
    "PenStroke",
    "PyramidTask",
    "Region",
    "ShiftTask",
    "SlideDescription",
    "SlideRenderer",
    "describe_grid",
    "draw_grids",
    "draw_slide",
    "simulate_bags",
    "simulate_features",
    "simulate_slide",
    "simulate_slides",
    "write_slide",
]

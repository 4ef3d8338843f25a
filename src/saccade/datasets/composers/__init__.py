"""Composed data: large images put together from small ones, so that the one place that matters is known."""

from saccade.datasets.composers.cell_fields import CellFields, compose_fields
from saccade.datasets.composers.digit_fields import DigitFields, compose_digit_fields
from saccade.datasets.composers.field_files import write_fields
from saccade.datasets.composers.fields import Field, MarkedBox
from saccade.datasets.composers.smear_files import compose_smears
from saccade.datasets.composers.virtual_smears import SmearSettings, VirtualSmears

__all__ = [
    "CellFields",
    "DigitFields",
    "Field",
    "MarkedBox",
    "SmearSettings",
    "VirtualSmears",
    "compose_digit_fields",
    "compose_fields",
    "compose_smears",
    "write_fields",
]

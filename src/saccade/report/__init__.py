"""The HTML report: what a model reads, how good it is, what it costs and how far to trust it, in one file."""

from saccade.report.data import CostRow, Example, OverImages, ReportData
from saccade.report.field_data import FieldExample, RunRow
from saccade.report.report import render_report, write_report
from saccade.report.slide_data import SlideExample

__all__ = [
    "CostRow",
    "Example",
    "FieldExample",
    "OverImages",
    "ReportData",
    "RunRow",
    "SlideExample",
    "render_report",
    "write_report",
]

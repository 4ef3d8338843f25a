"""The HTML report: what a model reads, how good it is, what it costs and how far to trust it, in one file."""

from saccade.report.data import CostRow, Example, OverImages, ReportData
from saccade.report.field_data import FieldExample, RunRow
from saccade.report.report import render_report, write_report

__all__ = ["CostRow", "Example", "FieldExample", "OverImages", "ReportData", "RunRow", "render_report", "write_report"]

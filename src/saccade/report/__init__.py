"""The HTML report: what a model reads, how good it is, what it costs and how far to trust it, in one file."""

from saccade.report.data import CostRow, Example, OverImages, ReportData
from saccade.report.report import render_report, write_report

__all__ = ["CostRow", "Example", "OverImages", "ReportData", "render_report", "write_report"]

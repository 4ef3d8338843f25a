"""What a report shows of slides."""

from saccade.evaluation.assessment import Judged
from saccade.inference.slide_predictor import SlidePredictor
from saccade.report.data import ReportData


def with_slides(report: ReportData, predictor: SlidePredictor, judged: Judged) -> ReportData:
    """The report with what is shown of slides alone."""
    return report

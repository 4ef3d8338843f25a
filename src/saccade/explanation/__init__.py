"""Why a model said so: class maps, site tables, and how far they can be trusted."""

from saccade.explanation.box_pointing import BoxPointing, box_pointing
from saccade.explanation.faithfulness import Curve, Faithfulness, faithfulness
from saccade.explanation.field_maps import FieldMap, field_maps
from saccade.explanation.maps import ClassMaps, class_maps, coverage_map, weight_map
from saccade.explanation.patch_faithfulness import patch_faithfulness
from saccade.explanation.pointing import Pointing, pointing
from saccade.explanation.signed_evidence import SignedEvidence, signed_evidence
from saccade.explanation.site_tables import write_site_table
from saccade.explanation.slide_explanation import SlideExplanation, explain_slide
from saccade.explanation.slide_faithfulness import slide_faithfulness
from saccade.explanation.slide_geojson import write_slide_geojson
from saccade.explanation.slide_pointing import SlidePointing, shares_inside, slide_pointing
from saccade.explanation.slide_sites import SlideSites, slide_sites
from saccade.explanation.slide_tables import write_slide_table

__all__ = [
    "BoxPointing",
    "ClassMaps",
    "Curve",
    "Faithfulness",
    "FieldMap",
    "Pointing",
    "SignedEvidence",
    "SlideExplanation",
    "SlidePointing",
    "SlideSites",
    "box_pointing",
    "class_maps",
    "coverage_map",
    "explain_slide",
    "faithfulness",
    "field_maps",
    "patch_faithfulness",
    "pointing",
    "shares_inside",
    "signed_evidence",
    "slide_faithfulness",
    "slide_pointing",
    "slide_sites",
    "weight_map",
    "write_site_table",
    "write_slide_geojson",
    "write_slide_table",
]

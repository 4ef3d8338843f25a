"""Why a model said so: class maps, site tables, and how far they can be trusted."""

from saccade.explanation.faithfulness import Curve, Faithfulness, faithfulness
from saccade.explanation.maps import ClassMaps, class_maps, coverage_map, weight_map
from saccade.explanation.pointing import Pointing, pointing
from saccade.explanation.site_tables import write_site_table

__all__ = [
    "ClassMaps",
    "Curve",
    "Faithfulness",
    "Pointing",
    "class_maps",
    "coverage_map",
    "faithfulness",
    "pointing",
    "weight_map",
    "write_site_table",
]

"""Why a model said so: class maps, site tables, and how far they can be trusted."""

from saccade.explanation.box_pointing import BoxPointing, box_pointing
from saccade.explanation.faithfulness import Curve, Faithfulness, faithfulness
from saccade.explanation.field_maps import FieldMap, field_maps
from saccade.explanation.maps import ClassMaps, class_maps, coverage_map, weight_map
from saccade.explanation.patch_faithfulness import patch_faithfulness
from saccade.explanation.pointing import Pointing, pointing
from saccade.explanation.site_tables import write_site_table

__all__ = [
    "BoxPointing",
    "ClassMaps",
    "Curve",
    "Faithfulness",
    "FieldMap",
    "Pointing",
    "box_pointing",
    "class_maps",
    "coverage_map",
    "faithfulness",
    "field_maps",
    "patch_faithfulness",
    "pointing",
    "weight_map",
    "write_site_table",
]

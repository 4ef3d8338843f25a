"""From files to tensors: class folders, manifests, MedMNIST files, bags and simulators, checked, split, augmented."""

from saccade.datasets.augmentation import Augmentation
from saccade.datasets.cells import CellBatch, CellData, load_cells, open_data, preprocessing_for
from saccade.datasets.checks import Report, check_data
from saccade.datasets.folders import list_images
from saccade.datasets.sources import open_manifest

__all__ = [
    "Augmentation",
    "CellBatch",
    "CellData",
    "Report",
    "check_data",
    "list_images",
    "load_cells",
    "open_data",
    "open_manifest",
    "preprocessing_for",
]

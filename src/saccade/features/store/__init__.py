"""Bags, the stored features of one slide each: every dialect is understood, TRIDENT's is written."""

from saccade.features.store.attributes import BagAttributes
from saccade.features.store.bag import Bag
from saccade.features.store.reading import open_bag
from saccade.features.store.writing import BagWriter, write_coords

__all__ = ["Bag", "BagAttributes", "BagWriter", "open_bag", "write_coords"]

"""Where QuPath begins to count.

QuPath crops a slide to its scanned part (``openslide.bounds-x`` and ``-y``, as MRXS files have) and counts from there;
what it writes has to be moved by that corner, and what it is given moved back.
"""

import json

from saccade.features.store import Bag
from saccade.imaging.slides import Slide


def qupath_offset(slide: Slide | None = None, stored: Bag | None = None) -> tuple[int, int]:
    """Where QuPath begins to count, in base pixels: the corner of the scanned part that the slide's file tells of.

    Where the file is not at hand, what the bag noted of it (``bounds`` among its extra provenance); else no offset.
    """
    if slide is not None:
        return slide.bounds[:2] if slide.bounds is not None else (0, 0)
    try:
        bounds = json.loads(str(stored.provenance["extra"]))["bounds"] if stored is not None else (0, 0)
        return int(bounds[0]), int(bounds[1])
    except (KeyError, ValueError, TypeError, IndexError):  # another tool's, or an older bag
        return 0, 0

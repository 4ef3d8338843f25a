"""The micrometres per pixel of fields: what their rows tell, or else their files, and what the model keeps of it."""

from collections.abc import Sequence
from statistics import median

from saccade.core.manifest import Manifest
from saccade.core.units import alike_mpp
from saccade.imaging.tiled_files import stated_mpp


def field_resolutions(manifest: Manifest) -> tuple[float | None, ...]:
    """Of each field what its row tells, else what its file states; the headers of TIFF files alone are read."""
    return tuple(stated_mpp(row.path) if row.mpp is None else row.mpp for row in manifest.rows)


def common_mpp(found: Sequence[float | None]) -> float | None:
    """What a model keeps: the median, where every image tells.

    >>> common_mpp([0.25, 0.24, 0.26]), common_mpp([0.25, None])
    (0.25, None)
    """
    known = [mpp for mpp in found if mpp is not None]
    return float(median(known)) if known and len(known) == len(found) else None


def mixed_notes(found: Sequence[float | None]) -> tuple[str, ...]:
    """A line where fields differ in resolution among themselves: a patch of a size in pixels shows more of some.

    >>> mixed_notes([0.25, 0.5])[0][:58]
    'the fields have from 0.25 to 0.5 micrometres per pixel: a '
    """
    known = [mpp for mpp in found if mpp is not None]
    if not known or alike_mpp(min(known), max(known)):
        return ()
    mpp = common_mpp(found)
    kept = "and, as not all tell, the model keeps none" if mpp is None else f"and the model keeps the median, {mpp:.4g}"
    extent = f"the fields have from {min(known):.4g} to {max(known):.4g} micrometres per pixel"
    return (f"{extent}: a patch shows more of some than of others, {kept}; resample them to one",)

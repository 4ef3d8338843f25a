"""What embedding a slide would give and take, told before anything is embedded."""

from collections.abc import Iterator

from saccade.features.embedding.reading import PACE
from saccade.features.patching import PatchPlan, PatchSettings, plan_patches
from saccade.imaging.slides import Slide
from saccade.imaging.slides.describing import Fact, Section
from saccade.imaging.tissue.of_slide import tissue_of
from saccade.imaging.tissue.settings import TissueSettings
from saccade.imaging.tissue.tissue import Tissue

_DIMS = (76, 1024)  # numbers per patch: the built-in encoder's, and a common one of pathology
_FLOAT = 4  # bytes


def forecast(patches: PatchSettings, tissue: TissueSettings | None = None) -> Section:
    """A section of facts: the tissue found, the patches that would be embedded, the memory that would take.

    >>> from saccade.imaging.slides import open_slide
    >>> slide = open_slide("images/second.bmp").with_mpp(0.5, "--source-mpp")
    >>> [name for name, _ in forecast(PatchSettings(patch=16))(slide)]
    ['tissue', 'patches', 'bag', 'memory']

    Args:
        patches: Their resolution and size.
        tissue: How tissue is found.
    """
    settings = tissue or TissueSettings()

    def facts(slide: Slide) -> Iterator[Fact]:
        if slide.stated_mpp is None:
            yield "patches", "unknown without the µm per pixel"
            return
        mpp = slide.mpp.value
        found, thumbnail = tissue_of(slide, settings)
        downsamples = [level.downsample for level in slide.levels]
        plan = plan_patches(slide.width, slide.height, mpp, downsamples, found, patches)
        yield "tissue", _tissue(found)
        yield "patches", _patches(plan, patches)
        yield "bag", " or ".join(f"{_size(len(plan) * dim * _FLOAT)} at {dim:,} numbers a patch" for dim in _DIMS)
        held = PACE.held(patches.patch, plan.read_size) + 8 * thumbnail.nbytes
        yield "memory", f"about {_size(held)} beside the program and the encoder, whatever the slide's size"

    return facts


def _tissue(found: Tissue) -> str:
    if found.found == "nothing":
        return "none found"
    return f"{100 * found.fraction:.1f} % of the slide, {found.area_mm2:.3g} mm² ({found.found})"


def _patches(plan: PatchPlan, settings: PatchSettings) -> str:
    sides = f"{settings.patch} pixels at {settings.mpp:g} µm, {plan.patch_size_level0} base pixels"
    return f"{len(plan):,} of {sides}, read from level {plan.read_level}"


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"

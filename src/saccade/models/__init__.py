"""Every model, by name. Listing them imports none of them."""

from typing import TYPE_CHECKING, Any

from saccade.core.errors import BadInput
from saccade.core.registry import Entry, Registry

if TYPE_CHECKING:
    from saccade.core.contract import AnyModel, SparseClassifier, SparseSegmenter

MODELS = Registry("model")

_CONTROLS = "saccade.models.baselines.pixel_controls"
_FIELD_CONTROLS = "saccade.models.baselines.field_controls"
for _entry in (
    Entry(
        "sparse-attn-net",
        "saccade.models.sparse_attn_net:sparse_attn_net",
        scale="cell",
        role="method",
        summary="the most telling pixels of a cell, found by a coarse map that learns from fine attention",
        paper="Yoshai et al. 2025, arXiv 2505.07661",
    ),
    Entry(
        "random-pixels",
        f"{_CONTROLS}:random_pixels",
        scale="cell",
        role="control",
        summary="the same reader on pixels drawn at random",
        paper="our control",
    ),
    Entry(
        "intensity-pixels",
        f"{_CONTROLS}:intensity_pixels",
        scale="cell",
        role="control",
        summary="the same reader on the darkest or brightest pixels",
        paper="our control",
    ),
    Entry(
        "all-pixels",
        f"{_CONTROLS}:all_pixels",
        scale="cell",
        role="control",
        summary="the same reader on every pixel",
        paper="our control",
    ),
    Entry(
        "tiny-cnn",
        "saccade.models.baselines.tiny_cnn:tiny_cnn",
        scale="cell",
        role="peer",
        summary="a plain network of 61,000 parameters: the yardstick",
        paper="our own plain network",
    ),
    Entry(
        "resnet18",
        "saccade.models.baselines.resnet18:resnet18",
        scale="cell",
        role="peer",
        summary="ResNet-18 with a 3×3 stem",
        paper="He et al. 2016",
        licence="Apache-2.0 (MONAI)",
    ),
    Entry(
        "efficientnet-b0",
        "saccade.models.baselines.efficientnet_b0:efficientnet_b0",
        scale="cell",
        role="peer",
        summary="EfficientNet-B0, not pretrained",
        paper="Tan and Le 2019",
        licence="Apache-2.0 (MONAI)",
    ),
    Entry(
        "vit-tiny",
        "saccade.models.baselines.vit_tiny:vit_tiny",
        scale="cell",
        role="peer",
        summary="a vision transformer on 8×8 patches",
        paper="Dosovitskiy et al. 2021, Touvron et al. 2021",
        licence="Apache-2.0 (MONAI)",
    ),
    Entry(
        "attention-sampling",
        "saccade.models.attention_sampling:attention_sampling",
        scale="field",
        role="method",
        summary="a handful of patches of a field, drawn by a small map that learns from what they earn",
        paper="Sinigaglia, report; Katharopoulos & Fleuret 2019, arXiv 1905.03711",
    ),
    Entry(
        "conditional-sampling",
        "saccade.models.conditional_sampling:conditional_sampling",
        scale="field",
        role="method",
        summary="each patch drawn in view of those before it",
        paper="Sinigaglia, report, improvement B; after Mnih et al. 2014, arXiv 1406.6247",
    ),
    Entry(
        "attention-front-end",
        "saccade.models.attention_front_end:attention_front_end",
        scale="field",
        role="method",
        summary="attention's patches, told by a stronger network",
        paper="Sinigaglia, report, improvement A",
        licence="Apache-2.0 (MONAI)",
    ),
    Entry(
        "uniform-patches",
        f"{_FIELD_CONTROLS}:uniform_patches",
        scale="field",
        role="control",
        summary="the same reader on patches spread at random",
        paper="our control",
    ),
    Entry(
        "stain-patches",
        f"{_FIELD_CONTROLS}:stain_patches",
        scale="field",
        role="control",
        summary="the same reader on the bluest patches: stain alone",
        paper="our control",
    ),
    Entry(
        "oracle-patches",
        f"{_FIELD_CONTROLS}:oracle_patches",
        scale="field",
        role="control",
        summary="the same reader on patches where the truth is known to lie",
        paper="our control",
    ),
    Entry(
        "downscaled-cnn",
        "saccade.models.baselines.downscaled_cnn:downscaled_cnn",
        scale="field",
        role="peer",
        summary="a plain network on a small version of the field",
        paper="our own plain network",
    ),
    Entry(
        "full-image-cnn",
        "saccade.models.baselines.full_image_cnn:full_image_cnn",
        scale="field",
        role="peer",
        summary="attention sampling's reader on every pixel of the field",
        paper="after Sinigaglia, report",
    ),
    Entry(
        "iterative-patch-selection",
        "saccade.models.baselines.iterative_patch_selection:iterative_patch_selection",
        scale="field",
        role="peer",
        summary="every patch is seen without a gradient, the best are read again with one",
        paper="Bergner et al. 2023, arXiv 2210.13007",
    ),
    Entry(
        "span",
        "saccade.models.span:span",
        scale="slide",
        role="method",
        summary="every tissue patch of a slide, condensed twice, with windows and one global token",
        paper="Wu et al. 2024, arXiv 2406.09333",
    ),
    Entry(
        "span-survival",
        "saccade.models.span_survival:span_survival",
        scale="slide",
        role="method",
        summary="the same slides, asked for the hazard of each bin of time",
        paper="Wu et al. 2024, arXiv 2406.09333",
        task="survival",
    ),
    Entry(
        "span-unet",
        "saccade.models.span_unet:span_unet",
        scale="slide",
        role="method",
        summary="a class for every tissue patch, down a pyramid and up again",
        paper="Wu et al. 2024, arXiv 2406.09333",
        task="segmentation",
    ),
    Entry(
        "mean-pooling",
        "saccade.models.baselines.mean_pooling:mean_pooling",
        scale="slide",
        role="control",
        summary="the mean of all patches",
        paper="our control",
    ),
    Entry(
        "max-pooling",
        "saccade.models.baselines.max_pooling:max_pooling",
        scale="slide",
        role="control",
        summary="the maximum of all patches, feature by feature",
        paper="our control",
    ),
    Entry(
        "gated-abmil",
        "saccade.models.baselines.gated_abmil:gated_abmil",
        scale="slide",
        role="peer",
        summary="the mean of all patches, weighted by a gated score of each",
        paper="Ilse et al. 2018, arXiv 1802.04712",
    ),
    Entry(
        "clam-sb",
        "saccade.models.baselines.clam_sb:clam_sb",
        scale="slide",
        role="peer",
        summary="gated attention, taught to part the patches it attends to from the others",
        paper="Lu et al. 2021, arXiv 2004.09666",
    ),
    Entry(
        "dsmil",
        "saccade.models.baselines.dsmil:dsmil",
        scale="slide",
        role="peer",
        summary="each class's most telling patch, and all others by their likeness to it",
        paper="Li et al. 2021, arXiv 2011.08939",
    ),
    Entry(
        "transmil",
        "saccade.models.baselines.transmil:transmil",
        scale="slide",
        role="peer",
        summary="two layers of Nyström attention over all patches, laid out in a square",
        paper="Shao et al. 2021, arXiv 2106.00908",
    ),
    Entry(
        "slide-transformer",
        "saccade.models.baselines.slide_transformer:slide_transformer",
        scale="slide",
        role="peer",
        summary="two layers of dense attention over all patches",
        paper="Vaswani et al. 2017, Dosovitskiy et al. 2021",
    ),
):
    MODELS.add(_entry)


def options_of(name: str) -> dict[str, Any]:
    """The options a model is built from, with their defaults.

    Raises:
        BadInput: No such model.
    """
    import inspect

    parameters = inspect.signature(MODELS[name].load()).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def create_model(name: str, classes: tuple[str, ...], **options: Any) -> "SparseClassifier":
    """Build a registered model; ``model.config`` keeps the plain values that build it again.

    >>> create_model("sparse-attn-net", classes=("a", "b"), channels=1).budget
    153

    Args:
        name: A registered name; ``saccade models`` lists them.
        classes: Names of the classes, at least two, all different.
        **options: Keyword arguments of the model's builder.

    Raises:
        BadInput: No such model, one that segments, an option it does not know, or classes too few or repeated.
    """
    if MODELS[name].task == "segmentation":
        raise BadInput(f"{name} gives a class to every site, and none to the image", "build it by create_segmenter")
    return _built(name, classes, options)


def create_segmenter(name: str, classes: tuple[str, ...], **options: Any) -> "SparseSegmenter":
    """Build a registered model that segments, as ``create_model`` builds the others.

    >>> create_segmenter("span-unet", classes=("normal", "tumour"), in_features=64).classes
    ('normal', 'tumour')

    Args:
        name: A registered name.
        classes: Names of the classes, what is none of the others first.
        **options: Keyword arguments of the model's builder.

    Raises:
        BadInput: No such model, one that does not segment, or as for ``create_model``.
    """
    if MODELS[name].task != "segmentation":
        raise BadInput(f"{name} gives a class to the image, and none to its sites", "build it by create_model")
    return _built(name, classes, options)


def create_any(name: str, classes: tuple[str, ...], **options: Any) -> "AnyModel":
    """Build a registered model of whichever task, for those who are handed its name.

    >>> create_any("span-unet", classes=("normal", "tumour"), in_features=64).classes
    ('normal', 'tumour')

    Args:
        name: A registered name.
        classes: Names of the classes; of survival, of the bins.
        **options: Keyword arguments of the model's builder.

    Raises:
        BadInput: No such model, an option it does not know, or classes too few or repeated.
    """
    return _built(name, classes, options)


def _built(name: str, classes: tuple[str, ...], options: dict[str, Any]) -> Any:
    """A registered model with the values that build it again."""
    from pydantic import ValidationError, validate_call

    known = options_of(name)
    classes = tuple(str(each) for each in classes)
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise BadInput(f"classes {classes} cannot be told apart", remedy="name at least two different classes")
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise BadInput(f"{name} has no option {unknown[0]!r}", remedy=f"it knows {', '.join(known)}")
    try:
        model = validate_call(MODELS[name].load())(classes, **options)
    except ValidationError as error:
        first = error.errors()[0]
        option, problem = first["loc"][0], first["msg"]
        raise BadInput(f"{name}: option {option} = {first['input']!r} is refused", remedy=problem) from error
    model.config = {"model": name, "classes": list(classes), "options": {**known, **options}}
    return model

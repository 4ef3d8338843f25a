"""``saccade explain``: what a model read in single images, and how far that can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from saccade.cli.console import progress, say, show_table
from saccade.cli.predict import (
    FINISHED_WITH_FAILURES,
    patch_side,
    tell_origin,
    tell_training,
    warn_of,
    warn_of_others,
    warn_of_small,
)
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor

    from saccade.explanation.box_pointing import BoxPointing
    from saccade.explanation.faithfulness import Faithfulness
    from saccade.explanation.field_maps import FieldMap
    from saccade.imaging.opening import FieldPixels
    from saccade.inference.predictor import Predictor
    from saccade.inference.result import Result

POINTING_NAME = "pointing.csv"
POINTING_COLUMNS = ("heaviest in box", "box mass", "hit rate")


def explain(
    run: Annotated[str, typer.Argument(help="Folder of a run, or owner/name on the Hugging Face hub.")],
    images: Annotated[
        list[Path], typer.Argument(help="Images, or folders of images; for a run of slides, slides or feature files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to; older files of the same names are replaced.")] = Path(
        "explained"
    ),
    boxes: Annotated[
        Path | None, typer.Option(help="CSV path,x0,y0,x1,y1: where the truth lies in fields; drawn dashed.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Such as cpu or cuda:0; the fastest there is by default.")] = None,
    regions: Annotated[
        Path | None, typer.Option(help="Of slides: GeoJSON of where the truth lies, or a folder of SLIDE.geojson.")
    ] = None,
    region_class: Annotated[
        str | None, typer.Option(help="Whose outlines of --regions count, such as tumour; by default the class given.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Of whole slides: the encoder of the run's features, where the run cannot tell.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Of whole slides: that encoder's weights in a file.")] = None,
    source_mpp: Annotated[
        float | None, typer.Option(help="Of slides: micrometres per base pixel where files do not state it.")
    ] = None,
) -> None:
    """Explain single images: what was read (PNG and CSV), and a faithfulness figure for each.

    Of fields, the map of where the model looked and the patches it read; of a TIFF too large to decode on a small
    version of it, and without faithfulness. Images that cannot be opened are skipped, with a line for each; the exit
    code is then 3, or 2 if none can be opened.

    Of slides, maps of the weights and of what speaks for and against the class, the patches that weigh most and least,
    all patches as CSV and as GeoJSON for QuPath, and what happens when patches are taken away. They are drawn over the
    slide where it is at hand.
    """
    from saccade.cli.explain_slides import explain_slides
    from saccade.explanation.slide_regions import RegionFiles
    from saccade.inference import load
    from saccade.inference.raw_slides import SlideEmbedding
    from saccade.inference.segmentation_predictor import SegmentationPredictor
    from saccade.inference.slide_predictor import SlidePredictor
    from saccade.inference.survival_predictor import SurvivalPredictor

    predictor = load(run, device)
    tell_training(predictor)
    if isinstance(predictor, SlidePredictor):
        if boxes:
            raise BadInput("boxes are of fields, and this is a run of slides", "give --regions", str(boxes))
        if region_class and not regions:
            raise BadInput("a class of outlines needs outlines", "give --regions", region_class)
        known = RegionFiles(regions, region_class) if regions else None
        explain_slides(predictor, images, out, SlideEmbedding(encoder, weights, source_mpp, device), known)
    elif isinstance(predictor, SegmentationPredictor):
        raise BadInput("a segmenter says of every patch what it is", "`saccade predict` draws that map already", run)
    elif isinstance(predictor, SurvivalPredictor):
        remedy = "`saccade predict` draws the map of what each patch weighed"
        raise BadInput("what speaks for a class is explained, and this run gives times", remedy, run)
    elif encoder or weights or source_mpp or regions or region_class:
        message = "--regions, --region-class, --encoder, --weights and --source-mpp are for runs of slides"
        raise BadInput(message, "leave them out", run)
    else:
        explain_images(predictor, images, out, boxes)


def explain_images(predictor: "Predictor", images: Sequence[Path], out: Path, boxes: Path | None) -> None:
    """Explain cells or fields into a folder."""
    from saccade.datasets.folders import image_rows

    if out.exists() and not out.is_dir():
        raise BadInput("is a file, not a folder", "choose another --out", str(out))
    rows = {row.path: row for given in images for row in image_rows(given)}
    paths = list(rows)
    if boxes and predictor.preprocessing.size is not None:
        raise BadInput("boxes are of fields, and this is a run of cells", "leave out --boxes", str(boxes))
    truth = needles_of_table(boxes) if boxes else None
    predictor = predictor.with_boxes(truth)
    warn_of_others(images)
    tell_origin(rows.values())
    names = distinct_names(paths)
    explained: list[Explained] = []
    small = 0
    with progress("explaining") as tell:
        for done, (path, result) in enumerate(zip(paths, predictor.stream(paths), strict=True), start=1):
            warn_of(result)
            if not result.error and predictor.preprocessing.size is None:
                small += min(result.extent) < patch_side(predictor)
                needles = truth.get(path.resolve()) if truth else None
                explained.append(explain_field(predictor, result, out, names[path], needles))
            elif not result.error:
                explained.append(Explained(explain_one(predictor, result, out, names[path])))
            tell(done, len(paths))
    if not explained:
        raise BadInput(f"none of the {len(paths)} images could be explained", "the lines above say why")
    _show(explained, of_fields=predictor.preprocessing.size is None, pointing=boxes is not None)
    warn_of_small(small)
    if boxes:
        write_pointing(out / POINTING_NAME, explained)
        known = sum(one.pointing is not None for one in explained)
        whole = "the model reads no patches, so there is nothing to set beside the boxes"
        say(f"{known} of {len(explained)} images have boxes" if reads_patches(predictor) else whole)
    say(f"written: {len(explained)} of {len(paths)} images into {out}")
    if len(explained) < len(paths):
        raise typer.Exit(FINISHED_WITH_FAILURES)


@dataclass(frozen=True, eq=False)
class Explained:
    """What is told on the screen of an image whose files are written.

    Attributes:
        line: Its cells of the table.
        pointing: How what was read lies to the truth boxes; ``None`` where it has none.
        mapped: Whether the model's map is drawn under its places.
    """

    line: tuple[str, ...]
    pointing: "BoxPointing | None" = None
    mapped: bool = False

    @property
    def measured(self) -> bool:
        """Whether faithfulness was measured: the table's last cells are filled."""
        return bool(self.line[-1])


def _show(explained: list[Explained], of_fields: bool, pointing: bool) -> None:
    """The table on the screen, and what its figures mean."""
    unit, chance = ("patches", ("random patches",)) if of_fields else ("pixels", ())
    between = ("heaviest weight", "distinct patches") if of_fields else ()
    columns = ("image", "predicted", "probability", *between, "deletion area", f"same {unit} shuffled", *chance)
    show_table(columns, [one.line for one in explained], right=columns[2:])
    if known := [(one.line[0], *pointing_cells(one.pointing)) for one in explained if one.pointing is not None]:
        # beside the others it would be too wide
        show_table(("image", *POINTING_COLUMNS), known, right=POINTING_COLUMNS)
    if any(one.measured for one in explained):
        say(f"Deletion: mean probability while the {unit} read are taken away, heaviest first; below the same {unit}")
        say("in random order, the weights tell something. Attention is not proof of cause.")
    if any(one.mapped for one in explained):
        truth = "; dashed: truth" if pointing else ""
        what = "where the look expects something, 1x is what every cell would have"
        say(f"map: {what}; numbers by falling weight{truth}")


def pointing_cells(found: "BoxPointing") -> tuple[str, str, str]:
    """The cells of ``POINTING_COLUMNS``; empty where several patches are heaviest, or the model has no map."""
    singled_out, mass = _heaviest_inside(found), float(found.looked)
    heaviest = "" if singled_out is None else "yes" if singled_out else "no"
    return heaviest, "" if isnan(mass) else f"{mass:.1%}", f"{float(found.hits):.1%}"


def write_pointing(path: Path, explained: list[Explained]) -> None:
    """Write the shares of each image with boxes as a table; what ``pointing_cells`` leaves empty is so here."""
    from saccade.core.files import write_csv

    rows = []
    for one in explained:
        if one.pointing is not None:
            found = one.pointing
            shares = [float(each) for each in (found.looked, found.hits, found.area)]
            texts = ("" if isnan(share) else f"{share:.6g}" for share in shares)
            singled_out = _heaviest_inside(found)
            rows.append((one.line[0], "" if singled_out is None else int(singled_out), *texts))
    write_csv(path, ("image", "heaviest_in_box", "box_mass", "hit_rate", "area"), rows)


def _heaviest_inside(found: "BoxPointing") -> bool | None:
    """Whether the heaviest patch of an image is in a box; ``None`` where several weigh the same, as of controls."""
    return bool(found.heaviest) if float(found.alike) == 1 else None


def explain_one(predictor: "Predictor", result: "Result", out: Path, name: str) -> tuple[str, ...]:
    """Write the files of one cell and return its line for the screen."""
    from saccade.core.files import write_bytes
    from saccade.explanation.faithfulness import faithfulness
    from saccade.explanation.site_tables import write_site_table
    from saccade.imaging.drawing import encode_png, enlarged, overlay

    image = result.image()
    write_bytes(out / f"{name}_overlay.png", encode_png(enlarged(overlay(image, result.sites))))
    write_site_table(out / f"{name}_sites.csv", [result.name], [result.sites])
    values = predictor.preprocessing(image, result.name)[None].to(predictor.device)
    areas = _deletion(faithfulness(predictor.model, values), predictor, result, out / f"{name}_faithfulness.png")
    return result.name, result.label, f"{result.probabilities[result.label]:.1%}", *areas[:2]


def explain_field(
    predictor: "Predictor", result: "Result", out: Path, name: str, boxes: "Tensor | None" = None
) -> Explained:
    """Write the files of one field and return what to tell of it; ``boxes`` is where the truth lies.

    A place that was drawn several times is one patch with the sum of the weights, in the pictures and in the table.
    A field that is too large to decode is drawn smaller, and what would ask the model about changed copies left out.
    """
    from saccade.core.files import write_bytes
    from saccade.explanation.box_pointing import box_pointing, centres_inside
    from saccade.explanation.field_maps import field_maps
    from saccade.explanation.site_tables import write_site_table
    from saccade.imaging.distinct_sites import distinct_sites, weighing
    from saccade.imaging.drawing import encode_png
    from saccade.imaging.field_drawing import field_picture, patch_sheet
    from saccade.imaging.field_key import with_key
    from saccade.imaging.showing import shown

    pixels, sites = result.pixels(), distinct_sites(result.sites)
    image, places = shown(pixels), weighing(sites)
    whole = image.whole()  # before the map is made: of a slide, each takes hundreds of megabytes on the way
    maps = field_maps(predictor.model, predictor.open_pixels(pixels, result.name, result.item))
    known: Any = _drawable(maps[0], whole.shape[1]) if maps else {}
    picture = field_picture(whole, sites=places, boxes=boxes, extent=image.extent, **known)
    write_bytes(out / f"{name}_map.png", encode_png(with_key(picture) if maps else picture))
    write_site_table(out / f"{name}_sites.csv", [result.name], [sites])
    line = (result.name, result.label, f"{result.probabilities[result.label]:.1%}")
    if not reads_patches(predictor):
        return Explained((*line, *[""] * 5))
    known_boxes = boxes if boxes is not None and len(boxes) else None
    hits = None if known_boxes is None else centres_inside(places.boxes[0], known_boxes).tolist()
    look = maps[0] if maps else None
    pointing = None if known_boxes is None else box_pointing(result.sites, known_boxes, result.extent, look)
    sheet = patch_sheet(image.patches(places.boxes[0]), places.weights[0].tolist(), hits)
    write_bytes(out / f"{name}_patches.png", encode_png(sheet))
    areas = _field_deletion(predictor, result, pixels, out / f"{name}_faithfulness.png")
    line = *line, f"{float(sites.weights[0, 0]):.1%}", str(sites.weights.shape[1]), *areas
    return Explained(line, pointing, mapped=look is not None)


def reads_patches(predictor: "Predictor") -> bool:
    """Whether a model of fields reads patches, which may be larger than a field, and not the whole field."""
    return patch_side(predictor) > 0


def _drawable(look: "FieldMap", columns: int) -> dict[str, Any]:
    """A map for a picture of so many columns: where cells are smaller than its pixels, blocks of them."""
    step = max(1, ceil(look.extent[1] / (look.factor * columns)))
    return {"relative": look.relative_of_blocks(step).numpy(), "factor": look.factor * step}


def _field_deletion(predictor: "Predictor", result: "Result", pixels: "FieldPixels", path: Path) -> list[str]:
    """The deletion areas of a field, with their picture; a file too large to decode cannot be painted over."""
    from saccade.explanation.patch_faithfulness import patch_faithfulness
    from saccade.imaging.tiled_files import TiledFile

    if isinstance(pixels, TiledFile):
        say(f"{result.name}: too large to decode, so the map is drawn on a small version, without faithfulness")
        return [""] * 3
    return _deletion(patch_faithfulness(predictor, [pixels], [result.item]), predictor, result, path)


def _deletion(measured: "Faithfulness", predictor: "Predictor", result: "Result", path: Path) -> list[str]:
    """Draw the curves of one image; the deletion areas of the model's own order, then of the controls."""
    import numpy as np

    from saccade.core.files import write_bytes
    from saccade.inference.plotting import figure_png
    from saccade.report.data import OverImages
    from saccade.report.trust_figures import faithfulness_figure

    label = np.array([predictor.classes.index(result.label)])
    write_bytes(path, figure_png(faithfulness_figure(OverImages(measured, label, predictor.classes, [result.name]))))
    return [f"{float(curve.deletion_area[0]):.3f}" for curve in measured.curves.values()]


def needles_of_table(path: Path) -> "dict[Path, Tensor]":
    """The truth boxes of a table, by the image they are in."""
    from saccade.datasets.boxes import load_boxes, needles_of

    return {(path.parent / name).resolve(): needles_of(boxes) for name, boxes in load_boxes(path).items()}


def distinct_names(paths: list[Path]) -> dict[Path, str]:
    """A name for each image's files: its stem, with a number where an earlier image has that already.

    >>> names = distinct_names([Path("a/x.png"), Path("b/x.png"), Path("y.bmp")])
    >>> {path.as_posix(): name for path, name in names.items()}
    {'a/x.png': 'x', 'b/x.png': 'x_2', 'y.bmp': 'y'}
    """
    taken: set[str] = set()
    names = {}
    for path in paths:
        number, name = 1, path.stem
        while name.lower() in taken:  # some file systems do not tell x from X
            number += 1
            name = f"{path.stem}_{number}"
        taken.add(name.lower())
        names[path] = name
    return names

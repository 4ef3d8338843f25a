"""``saccade explain``: what a model read in single images, and how far that can be trusted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from saccade.cli.console import progress, say, show_table, warn
from saccade.cli.predict import FINISHED_WITH_FAILURES, warn_of_others
from saccade.core.errors import BadInput

if TYPE_CHECKING:
    from saccade.inference.predictor import Predictor
    from saccade.inference.result import Result


def explain(
    run: Annotated[str, typer.Argument(help="Folder of a run, or owner/name on the Hugging Face hub.")],
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; older files of the same names are replaced.")] = Path(
        "explained"
    ),
    device: Annotated[str | None, typer.Option(help="Such as cpu or cuda:0; the fastest there is by default.")] = None,
) -> None:
    """Explain single images: what was read (PNG and CSV), and a faithfulness figure for each.

    Images that cannot be opened are skipped, with a line for each; the exit code is then 3, or 2 if none can be opened.
    """
    from saccade.datasets.folders import list_images
    from saccade.inference import load

    if out.exists() and not out.is_dir():
        raise BadInput("is a file, not a folder", "choose another --out", str(out))
    paths = list(dict.fromkeys(path for given in images for path in list_images(given)))
    predictor = load(run, device)
    warn_of_others(images)
    names = distinct_names(paths)
    rows = []
    with progress("explaining") as tell:
        for done, (path, result) in enumerate(zip(paths, predictor.stream(paths), strict=True), start=1):
            if result.error:
                warn(f"skipped: {result.error}")
            else:
                rows.append(explain_one(predictor, result, out, names[path]))
            tell(done, len(paths))
    if not rows:
        raise BadInput(f"none of the {len(paths)} images could be explained", "the lines above say why")
    columns = ("image", "predicted", "probability", "deletion area", "same pixels shuffled")
    show_table(columns, rows, right=columns[2:])
    say("Deletion: mean probability while the pixels read are taken away, heaviest first; below the same pixels")
    say("in random order, the weights tell something. Attention is not proof of cause.")
    say(f"written: {len(rows)} of {len(paths)} images into {out}")
    if len(rows) < len(paths):
        raise typer.Exit(FINISHED_WITH_FAILURES)


def explain_one(predictor: "Predictor", result: "Result", out: Path, name: str) -> tuple[str, ...]:
    """Write the files of one image and return its line for the screen."""
    import numpy as np

    from saccade.core.files import write_bytes
    from saccade.explanation.faithfulness import faithfulness
    from saccade.explanation.site_tables import write_site_table
    from saccade.imaging.drawing import encode_png, enlarged, overlay
    from saccade.inference.plotting import figure_png
    from saccade.report.data import OverImages
    from saccade.report.trust_figures import faithfulness_figure

    image = result.image()
    write_bytes(out / f"{name}_overlay.png", encode_png(enlarged(overlay(image, result.sites))))
    write_site_table(out / f"{name}_sites.csv", [result.name], [result.sites])
    values = predictor.preprocessing(image, result.name)[None].to(predictor.device)
    measured = faithfulness(predictor.model, values)
    label = np.array([predictor.classes.index(result.label)])
    figure = faithfulness_figure(OverImages(measured, label, predictor.classes, [result.name]))
    write_bytes(out / f"{name}_faithfulness.png", figure_png(figure))
    own, shuffled, *_ = (float(curve.deletion_area[0]) for curve in measured.curves.values())
    return result.name, result.label, f"{result.probabilities[result.label]:.1%}", f"{own:.3f}", f"{shuffled:.3f}"


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

"""``saccade demo slides``: simulated slide files, embedded, a SPAN trained on them, and its report.

The task is easy: mean pooling learns it too. What there is to see is the way from files to maps.
"""

from collections.abc import Mapping
from pathlib import Path

from saccade.cli.console import progress, say
from saccade.cli.evaluate import evaluate_run, trained_on
from saccade.core.errors import BadInput

SLIDES = {"train": 96, "val": 24, "test": 40}
"""Slides of each part."""

RECIPE = ("model.width=64", "training.epochs=30", "training.learning_rate=0.001", "training.batch_size=4")
"""Changes to SPAN's recipe, for slides this small; with fewer epochs, the maps keep to the rim of the tissue."""

SIZE, MPP, PATCH = 2048, 1.0, 112
"""Side of a slide in pixels, micrometres per pixel, side of a patch: on less than 2 mm tumours are small."""

_ENCODER = "colour-texture"


def demo_slides(
    out: Path,
    counts: Mapping[str, int],
    changes: tuple[str, ...],
    size: int = SIZE,
    mpp: float = MPP,
    patch: int = PATCH,
) -> None:
    """Slides with and without tumour, from files to report.

    Args:
        out: The folder.
        counts: Slides of each part.
        changes: To SPAN's recipe.
        size: Side of a slide in pixels.
        mpp: Micrometres per pixel.
        patch: Side of a patch in pixels.
    """
    from saccade.cli.train import make_recipe
    from saccade.datasets.simulators.slides import simulate_slides
    from saccade.evaluation.labelled import label_images, open_labelled
    from saccade.inference.parts import choose_images
    from saccade.inference.runs import Run
    from saccade.training.train import train

    say(f"simulating {sum(counts.values())} slides of {size} × {size} pixels: none of this tissue is real")
    with progress("simulating") as tell:
        manifest = simulate_slides(out / "data", counts, size=size, mpp=mpp, patch=patch, progress=tell)
    _embed(manifest, out / "job", mpp, patch)
    recipe = make_recipe(None, manifest, "span", list(changes), features=out / "job")
    with progress("opening features") as tell:
        run = Run.open(train(recipe, out / "run", progress=tell))
    rows = open_labelled(run, manifest)
    chosen = choose_images(rows.manifest, run.splits, trained_on(run), "test")
    images = label_images(chosen.manifest, run.package.model.classes, bags=rows.bags)
    evaluate_run(run, chosen, images, out)
    say(f"the report, of simulated slides: {out / 'report.html'}")


def _embed(manifest: Path, folder: Path, mpp: float, patch: int) -> None:
    """Cut the slides into patches and store their features, as ``saccade embed`` does."""
    from saccade.cli.embed import make_encoder, make_job
    from saccade.features.embedding.job_files import write_job
    from saccade.features.embedding.local import embed_here
    from saccade.features.embedding.reading import Pace
    from saccade.features.patching import PatchSettings

    encoder = make_encoder(_ENCODER)
    job = make_job(manifest, folder, encoder, PatchSettings(mpp=mpp, patch=patch), None, half=False)
    write_job(job)
    patches = 0
    with progress("embedding") as tell:
        states = embed_here(job, job.items, encoder, Pace(), lambda item: lambda done, total: None)
        for done, state in enumerate(states, start=1):
            if not state.finished:
                raise BadInput(state.error, "start again with --overwrite", state.slide)
            patches += state.patches or 0
            tell(done, len(job.items))
    say(f"embedded {len(job.items)} slides: {patches:,} patches of {patch * mpp:g} µm, {encoder.dim} numbers each")

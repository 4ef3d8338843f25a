"""How each kind of simulated white blood cell is drawn: sizes, lobes, granules and chromatin.

Diameters on a smear, where a red cell has 7.5 µm: neutrophil 11.5–14, eosinophil 12–14.5, basophil 10.5–13.5,
lymphocyte 8–13 and monocyte 13–17.5 µm. Sizes, lobes and granules follow haematology textbooks; their spread was set
by eye.
"""

from collections.abc import Callable

import numpy as np

from saccade.core.errors import BadInput
from saccade.datasets.simulators.cell_description import CellDescription, Chromatin
from saccade.datasets.simulators.cell_shapes import (
    bumpy_outline,
    direction,
    horseshoe,
    lobes_on_ring,
    scatter_granules,
    scatter_vacuoles,
    strands_between,
)


def describe_cell(kind: str, rng: np.random.Generator) -> CellDescription:
    """Draw a simulated white blood cell of one kind.

    Raises:
        BadInput: the kind is not one of `KINDS`.

    Example:
        >>> import numpy as np
        >>> describe_cell("eosinophil", np.random.default_rng(0)).kind
        'eosinophil'
    """
    if kind not in DRAWN_BY:
        raise BadInput(f"unknown kind of white blood cell {kind!r}", remedy=f"Choose one of {', '.join(DRAWN_BY)}")
    return DRAWN_BY[kind](rng)


def _neutrophil(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(5.7, 7.1)
    outline = bumpy_outline(rng, radius, roughness=0.028)
    lobes = lobes_on_ring(
        rng, count=int(rng.choice([3, 4, 5], p=[0.5, 0.35, 0.15])), room=radius - 0.55, size=(1.75, 2.6)
    )
    return CellDescription(
        kind="neutrophil",
        outline=outline,
        height=rng.uniform(1.8, 2.3),
        lobes=lobes,
        strands=strands_between(rng, lobes, thickness=(0.3, 0.9)),
        nucleus_height=rng.uniform(1.6, 2.0),
        chromatin=Chromatin(grain=0.42, contrast=rng.uniform(0.22, 0.45), lace=0.35),
        granules=scatter_granules(rng, outline, lobes, count=int(rng.uniform(150, 420)), radius=0.13, over_nucleus=0.3),
        texture=int(rng.integers(2**32)),
        vacuoles=scatter_vacuoles(rng, outline, lobes, count=rng.poisson(0.3)),
    )


def _eosinophil(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(5.9, 7.3)
    outline = bumpy_outline(rng, radius, roughness=0.028)
    lobes = lobes_on_ring(rng, count=2, room=radius - 0.5, size=(2.2, 3.0))
    return CellDescription(
        kind="eosinophil",
        outline=outline,
        height=rng.uniform(1.8, 2.3),
        lobes=lobes,
        strands=strands_between(rng, lobes, thickness=(0.4, 1.2)),
        nucleus_height=rng.uniform(1.6, 2.0),
        chromatin=Chromatin(grain=0.42, contrast=rng.uniform(0.22, 0.45), lace=0.35),
        granules=scatter_granules(
            rng, outline, lobes, count=int(rng.uniform(380, 560)), radius=0.36, over_nucleus=0.06
        ),
        texture=int(rng.integers(2**32)),
        vacuoles=scatter_vacuoles(rng, outline, lobes, count=rng.poisson(1.5)),
    )


def _basophil(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(5.2, 6.7)
    outline = bumpy_outline(rng, radius, roughness=0.045, bumps=int(rng.poisson(2.5)))
    lobes = lobes_on_ring(rng, count=int(rng.integers(2, 4)), room=radius - 0.5, size=(2.2, 3.0))
    return CellDescription(
        kind="basophil",
        outline=outline,
        height=rng.uniform(1.8, 2.3),
        lobes=lobes,
        strands=strands_between(rng, lobes, thickness=(0.7, 1.3)),
        nucleus_height=rng.uniform(1.6, 2.0),
        chromatin=Chromatin(grain=0.6, contrast=rng.uniform(0.15, 0.3), lace=0.0),
        granules=scatter_granules(rng, outline, lobes, count=int(rng.uniform(150, 330)), radius=0.33, over_nucleus=0.8),
        texture=int(rng.integers(2**32)),
        vacuoles=scatter_vacuoles(rng, outline, lobes, count=rng.poisson(1.0)),
    )


def _lymphocyte(rng: np.random.Generator) -> CellDescription:
    nucleus_radius = rng.uniform(3.4, 4.6)
    is_small = rng.random() < 0.75  # a large lymphocyte has more cytoplasm
    rim = rng.uniform(0.5, 1.0) if is_small else rng.uniform(1.0, 2.2)
    outline = bumpy_outline(rng, nucleus_radius + rim, roughness=0.04, bumps=int(rng.poisson(1.2)))
    shift = rng.uniform(0, 0.7) * rim * direction(rng)
    length = rng.uniform(0, 0.35) * nucleus_radius * direction(rng)
    ends = [(*(shift + sign * length), nucleus_radius * rng.uniform(0.86, 0.98)) for sign in (-1, 1)]
    lobes = (np.array(ends, np.float32),)
    return CellDescription(
        kind="lymphocyte",
        outline=outline,
        height=rng.uniform(2.0, 2.6),
        lobes=lobes,
        strands=(),
        nucleus_height=rng.uniform(1.7, 2.1),
        chromatin=Chromatin(grain=0.45, contrast=rng.uniform(0.2, 0.4), lace=0.5),
        granules=scatter_granules(rng, outline, lobes, count=int(rng.poisson(3)), radius=0.2, over_nucleus=0.1),
        texture=int(rng.integers(2**32)),
        vacuoles=scatter_vacuoles(rng, outline, lobes, count=rng.poisson(0.2)),
    )


def _monocyte(rng: np.random.Generator) -> CellDescription:
    radius = rng.uniform(6.6, 8.8)
    outline = bumpy_outline(rng, radius, roughness=0.085, bumps=int(rng.poisson(1.5)))
    lobes = (horseshoe(rng, radius),)
    return CellDescription(
        kind="monocyte",
        outline=outline,
        height=rng.uniform(1.8, 2.4),
        lobes=lobes,
        strands=(),
        nucleus_height=rng.uniform(1.3, 1.7),
        chromatin=Chromatin(grain=0.42, contrast=rng.uniform(0.2, 0.36), lace=0.75),
        granules=scatter_granules(rng, outline, lobes, count=int(rng.uniform(30, 160)), radius=0.12, over_nucleus=0.2),
        texture=int(rng.integers(2**32)),
        vacuoles=scatter_vacuoles(rng, outline, lobes, count=rng.poisson(3.0)),
    )


DRAWN_BY: dict[str, Callable[[np.random.Generator], CellDescription]] = {
    "neutrophil": _neutrophil,
    "eosinophil": _eosinophil,
    "basophil": _basophil,
    "lymphocyte": _lymphocyte,
    "monocyte": _monocyte,
}
KINDS: tuple[str, ...] = tuple(DRAWN_BY)

"""SPAN as an exported program: the same numbers on slides of any size."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from saccade.core.bags import Bags
from saccade.core.errors import BadInput
from saccade.models import create_model
from saccade.models.span import Span
from saccade.models.span_export import exportable, exported_inputs
from tests.ops.sparse_grids import NONE, SLIDES, sparse

CLASSES = ("a", "b")


def bag(cells: torch.Tensor) -> Bags:
    return Bags(torch.randn(len(cells), 64), cells, (len(cells),))


def model(**options: object) -> Span:
    torch.manual_seed(0)
    made = create_model("span", CLASSES, in_features=64, width=12, heads=2, **options).eval()
    assert isinstance(made, Span)
    return made


@pytest.mark.parametrize("slides", [name for name, cells in SLIDES.items() if len(cells) == 1 and len(cells[0])])
def test_the_module_says_what_the_model_says(slides: str) -> None:
    made, given = model(), bag(SLIDES[slides][0])
    wanted, (logits, weights) = made(given), exportable(made)(*exported_inputs(given))
    assert torch.allclose(logits, wanted.logits, atol=1e-5)
    assert torch.allclose(weights, wanted.sites.weights[0], atol=1e-6)


PROGRAM = """
import torch
from saccade.core.bags import Bags
from saccade.models import create_model
from saccade.models.span_export import DYNAMIC_SHAPES, exportable, exported_inputs

def bag(columns, rows, share):
    cells = torch.cartesian_prod(torch.arange(columns), torch.arange(rows))
    cells = cells[torch.rand(len(cells)) < share]
    return Bags(torch.randn(len(cells), 64), cells, (len(cells),))

torch.manual_seed(0)
model = create_model("span", ("a", "b"), in_features=64, width=12, heads=2).eval()
program = torch.export.export(exportable(model), exported_inputs(bag(20, 17, 0.5)), dynamic_shapes=DYNAMIC_SHAPES)
torch.export.save(program, FILE)
program = torch.export.load(FILE).module()
for other in (bag(33, 12, 0.9), bag(40, 50, 0.1), bag(9, 9, 1.0)):
    with torch.no_grad():
        wanted, (logits, weights) = model(other), program(*exported_inputs(other))
    assert torch.allclose(logits, wanted.logits, atol=1e-5)
    assert torch.allclose(weights, wanted.sites.weights[0], atol=1e-6)
print("equal")
"""


def test_the_exported_program_serves_slides_of_other_sizes(tmp_path: Path) -> None:
    # In a process of its own: the checks of shapes while testing are no part of a graph.
    script = PROGRAM.replace("FILE", repr(str(tmp_path / "span.pt2")))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "equal", done.stderr[-2000:]


@pytest.mark.parametrize(
    "options", [{"compatibility": "released"}, {"condensation": "merge"}, {"ablation": "no-global-token"}]
)
def test_variants_are_not_exported(options: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="variant"):
        exportable(model(**options))


@pytest.mark.parametrize("given", [bag(NONE), Bags.concatenate([bag(sparse(3, 3, 1.0)), bag(sparse(3, 3, 1.0))])])
def test_only_one_slide_with_tissue_goes_in(given: Bags) -> None:
    with pytest.raises(BadInput, match="one slide"):
        exported_inputs(given)

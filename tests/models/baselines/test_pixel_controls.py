"""Controls share the reader and differ in the pixels."""

import torch

from saccade.models import create_model

CLASSES = ("a", "b")


CONTROLS = ("random-pixels", "intensity-pixels", "all-pixels")


def parameters(name: str, **options: object) -> int:
    return sum(p.numel() for p in create_model(name, CLASSES, **options).parameters())


def test_controls_lack_the_score_and_nothing_else() -> None:
    net = create_model("sparse-attn-net", CLASSES, look_features=True)
    score = sum(p.numel() for p in net.look.score.parameters())
    assert {parameters(name, look_features=True) for name in CONTROLS} == {
        sum(p.numel() for p in net.parameters()) - score
    }


def test_without_features_there_is_nothing_to_look_at() -> None:
    assert len({parameters(name) for name in CONTROLS}) == 1
    for name, looked in zip(CONTROLS, (0.0, 1.0, 0.0), strict=True):
        cost = create_model(name, CLASSES).eval()(torch.rand(1, 3, 8, 8)).cost
        assert cost.pixels_looked_fraction.tolist() == [looked]


def test_the_darkest_pixels_are_the_darkest() -> None:
    image = torch.rand(1, 3, 6, 6)
    boxes = create_model("intensity-pixels", CLASSES, budget=4, site=1).eval()(image).sites.boxes[0].long()
    read = image.mean(1)[0, boxes[:, 1], boxes[:, 0]]
    assert read.sort().values.equal(image.mean(1).flatten().sort().values[:4])


def test_all_pixels_reads_everything() -> None:
    cost = create_model("all-pixels", CLASSES).eval()(torch.rand(1, 3, 6, 6)).cost
    assert cost.pixels_read_fraction.tolist() == [1.0]

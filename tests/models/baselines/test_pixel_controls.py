"""Controls share the reader and differ in the pixels."""

import torch

from saccade.models import create_model

CLASSES = ("a", "b")


def test_controls_have_the_readers_parameters_and_no_look() -> None:
    counts = {
        name: sum(p.numel() for p in create_model(name, CLASSES).parameters())
        for name in ("random-pixels", "intensity-pixels", "all-pixels")
    }
    assert len(set(counts.values())) == 1
    net = create_model("sparse-attn-net", CLASSES)
    look = sum(p.numel() for p in net.look.parameters())
    assert sum(p.numel() for p in net.parameters()) - look == counts["random-pixels"]


def test_the_darkest_pixels_are_the_darkest() -> None:
    image = torch.rand(1, 3, 6, 6)
    boxes = create_model("intensity-pixels", CLASSES, budget=4).eval()(image).sites.boxes[0].long()
    read = image.mean(1)[0, boxes[:, 1], boxes[:, 0]]
    assert read.sort().values.equal(image.mean(1).flatten().sort().values[:4])


def test_all_pixels_reads_everything() -> None:
    cost = create_model("all-pixels", CLASSES).eval()(torch.rand(1, 3, 6, 6)).cost
    assert cost.pixels_read_fraction.tolist() == [1.0]
    assert cost.pixels_looked_fraction.tolist() == [0.0]

"""The meter adds up."""

import torch

from saccade.imaging.meter import Meter


def test_counts_add_up_and_are_the_same_for_each_image() -> None:
    meter = Meter(images=3, total=100, decoded=120)
    meter.count_looked(4)
    meter.count_looked(6)
    meter.count_read(sites=5, pixels=10)
    cost = meter.cost()
    assert cost.pixels_looked.tolist() == [10] * 3
    assert cost.pixels_read.tolist() == [10] * 3
    assert cost.reads.tolist() == [5] * 3
    assert cost.pixels_total.tolist() == [100] * 3
    assert cost.pixels_decoded.tolist() == [120] * 3


def test_images_may_be_asked_for_different_numbers() -> None:
    meter = Meter(images=2, total=100, decoded=100)
    meter.count_read(sites=1, pixels=torch.tensor([4, 2]))
    meter.count_read(sites=2, pixels=8)
    assert meter.cost().pixels_read.tolist() == [12, 10]
    assert meter.cost().reads.tolist() == [3, 3]

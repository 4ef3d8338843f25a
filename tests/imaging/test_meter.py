"""The meter adds up."""

from saccade.imaging.meter import Meter


def test_counts_add_up_and_are_the_same_for_each_image() -> None:
    meter = Meter(images=3, total=100, decoded=120)
    meter.count_looked(4)
    meter.count_looked(6)
    meter.count_read(sites=5, pixels_each=2)
    cost = meter.cost()
    assert cost.pixels_looked.tolist() == [10] * 3
    assert cost.pixels_read.tolist() == [10] * 3
    assert cost.reads.tolist() == [5] * 3
    assert cost.pixels_total.tolist() == [100] * 3
    assert cost.pixels_decoded.tolist() == [120] * 3

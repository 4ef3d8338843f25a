"""A local Ray makes the bags that this process makes."""

from pathlib import Path

import numpy as np
import pytest

from saccade.features.embedding.local import embed_here
from saccade.features.embedding.on_ray import embed_on_ray
from saccade.features.embedding.reading import Pace
from tests.features.embedding.small_slides import MeanColour, small_job, write_slides
from tests.features.embedding.test_local import contents


def mean_colour(device: str) -> MeanColour:
    return MeanColour()


@pytest.mark.slow
def test_bags_are_the_same_on_ray(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    slides = write_slides(tmp_path / "slides", 4)
    (slides / "s2.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing more")
    here, there = small_job(slides, tmp_path / "here"), small_job(slides, tmp_path / "there")
    expected = {
        state.slide: state.status
        for state in embed_here(here, here.items, MeanColour(), Pace(), lambda _: lambda *_: None)
    }
    try:
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
        states = list(embed_on_ray(there, there.items, mean_colour, Pace(1, 5)))
    finally:
        ray.shutdown()
    assert {state.slide: state.status for state in states} == expected
    assert expected["s2.png"] != "done"
    one, two = contents(here), contents(there)
    assert one.keys() == two.keys() and len(one) == 9
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])


def test_with_nothing_to_do_no_cluster_is_started(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    job = small_job(write_slides(tmp_path / "slides", 1), tmp_path / "job")
    assert list(embed_on_ray(job, (), mean_colour, Pace())) == []
    assert not ray.is_initialized()

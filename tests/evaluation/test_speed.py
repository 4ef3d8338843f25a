"""The order and arithmetic of timing, on a clock that the models themselves turn."""

import pytest
import torch
from torch import Tensor, nn

from saccade.evaluation.speed import compare_speed, images_per_second


class Clock:
    """Seconds that pass only when a model says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.visits: list[str] = []

    def __call__(self) -> float:
        return self.now

    def model(self, name: str, seconds: float, warming: float = 0.0):
        """A model that takes so long a pass, and longer the first time."""

        def classify(images: Tensor) -> None:
            self.now += seconds + (0 if name in self.visits else warming)
            self.visits.append(name)

        return classify


def test_speed_is_images_over_seconds_after_warming_up() -> None:
    clock = Clock()
    models = {"fast": clock.model("fast", 0.01, warming=5.0), "slow": clock.model("slow", 0.5)}
    speeds = compare_speed(models, torch.rand(4, 2), batch=8, rounds=3, clock=clock)
    assert speeds == pytest.approx({"fast": 800, "slow": 16})


def test_every_round_visits_every_model_in_turning_order() -> None:
    clock = Clock()
    models = {name: clock.model(name, 1.0) for name in "abc"}
    compare_speed(models, torch.rand(1, 2), batch=1, rounds=3, min_seconds=0.1, clock=clock)
    assert "".join(clock.visits) == "abc" + "abc" + "bca" + "cab"


def test_short_passes_are_timed_together() -> None:
    clock = Clock()
    model = clock.model("a", 0.01)
    images_per_second(model, torch.rand(1, 2), batch=1, rounds=2, min_seconds=0.1, clock=clock)
    assert len(clock.visits) == 2 + 2 * 10


def test_a_slow_round_does_not_move_the_median() -> None:
    clock = Clock()
    passes = 0

    def disturbed(images: Tensor) -> None:
        nonlocal passes
        passes += 1
        clock.now += 50.0 if passes == 3 else 0.5

    assert images_per_second(disturbed, torch.rand(1, 2), batch=2, rounds=5, clock=clock) == pytest.approx(4)


def test_models_run_on_a_full_batch_in_evaluation_mode_without_gradients() -> None:
    seen: list[tuple[int, bool, bool]] = []

    class Watching(nn.Linear):
        def forward(self, images: Tensor) -> Tensor:
            out = super().forward(images)
            seen.append((len(images), self.training, out.requires_grad))
            return out

    model = Watching(2, 2)
    clock = Clock()
    assert images_per_second(model, torch.rand(3, 2), batch=7, rounds=1, min_seconds=0.0, clock=clock) > 0
    assert set(seen) == {(7, False, False)}
    assert model.training


@pytest.mark.parametrize(("count", "batch", "rounds"), [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_nothing_to_time_is_an_error(count: int, batch: int, rounds: int) -> None:
    with pytest.raises(ValueError, match="nothing to time"):
        compare_speed({"a": nn.Linear(2, 2)}, torch.rand(count, 2), batch=batch, rounds=rounds)


def test_no_models_no_speeds() -> None:
    assert compare_speed({}, torch.rand(1, 2)) == {}

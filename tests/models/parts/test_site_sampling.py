import pytest
import torch

from saccade.models.parts.site_sampling import DrawnSites

EVEN = torch.full((2, 12), 1 / 12).log()


def test_training_draws_and_evaluation_takes_the_quantiles() -> None:
    torch.manual_seed(0)
    select = DrawnSites(4)
    assert select.train()(EVEN, repeats=3).shape == (2, 12)
    assert not select(EVEN).equal(select(EVEN))
    assert select.eval()(EVEN).tolist() == [[1, 4, 7, 10]] * 2
    assert select(EVEN).equal(select(EVEN))


def test_without_replacement_each_set_is_distinct() -> None:
    torch.manual_seed(0)
    index = DrawnSites(5, distinct=True).train()(EVEN, repeats=4).unflatten(1, (4, 5))
    assert all(len(set(each.tolist())) == 5 for each in index.flatten(0, 1))


@pytest.mark.parametrize("distinct", [False, True])
def test_cells_without_probability_are_never_drawn(distinct: bool) -> None:
    torch.manual_seed(0)
    log_map = torch.full((1, 9), -torch.inf)
    log_map[0, [2, 5, 7]] = torch.tensor([0.5, 0.3, 0.2]).log()
    select = DrawnSites(3, distinct)
    assert set(select.draw(log_map, 10).flatten().tolist()) <= {2, 5, 7}
    assert set(select.eval()(log_map).flatten().tolist()) <= {2, 5, 7}


def test_draws_have_no_gradient() -> None:
    log_map = EVEN.clone().requires_grad_()
    assert not DrawnSites(3).train()(log_map).is_floating_point()

from itertools import product

import torch
from hypothesis import given
from hypothesis import strategies as st

from saccade.training.seeds import Purpose, derive_seed


def test_neighbours_differ() -> None:
    places = list(product(Purpose, range(3), range(4), range(4), range(2)))
    seeds = {derive_seed(*place) for place in places}
    assert len(seeds) == len(places)


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 512))
def test_seeds_suit_torch(seed: int, epoch: int, step: int, rank: int) -> None:
    first = derive_seed(Purpose.MODEL, seed, epoch, step, rank)
    assert first == derive_seed(Purpose.MODEL, seed, epoch, step, rank)
    assert torch.Generator().manual_seed(first).initial_seed() == first

"""Randomness that depends on nothing but where a training stands, so that a resumed one goes on as if never stopped."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a draw is for; different purposes never share a stream."""

    WEIGHTS = 0
    ORDER = 1
    MODEL = 2
    AUGMENTATION = 3
    BUDGET = 4


def derive_seed(purpose: Purpose, seed: int, epoch: int = 0, step: int = 0, rank: int = 0) -> int:
    """A seed for one draw, unrelated to those of its neighbours.

    >>> derive_seed(Purpose.ORDER, 0, epoch=1) == derive_seed(Purpose.ORDER, 0, epoch=1)
    True
    >>> derive_seed(Purpose.ORDER, 0, epoch=1) == derive_seed(Purpose.ORDER, 1, epoch=0)
    False

    Args:
        purpose: What is drawn.
        seed: The recipe's seed, at least 0.
        epoch: Epoch, counted from 0.
        step: Step within the epoch, counted from 0.
        rank: Which process of several.
    """
    # The same length always: numpy fills a short list up with zeros, so (1,) and (1, 0) would be one stream.
    sequence = np.random.SeedSequence((int(purpose), seed, epoch, step, rank))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))

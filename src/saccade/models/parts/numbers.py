"""Numbers that options of models may be; whatever lies outside is refused before a model is built."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
"""One or more."""

CountOrZero = Annotated[int, Field(ge=0)]
"""Zero or more."""

Share = Annotated[float, Field(ge=0, lt=1)]
"""A share that leaves something over."""

Strength = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A factor of a term in a loss."""

Temperature = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A factor before a softmax; at zero nothing could be told apart."""

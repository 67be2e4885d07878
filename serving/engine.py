"""What runs a model, and what was loaded to be run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.images import Raster
from serving.models import ServedModel


class Engine(Protocol):
    """Runs batches; one thread at a time."""

    def run(self, pictures: Raster) -> NDArray[np.float32]:
        """(n, height, width, 3) uint8 RGB → (n, …) float32."""


@dataclass(frozen=True)
class Loaded:
    """A model, and the engines that run it side by side."""

    model: ServedModel
    engines: Sequence[Engine]
    wide: Engine | None = None
    """On several CPUs at once: for a picture that has no other beside it."""

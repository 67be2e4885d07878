"""How a garment is laid out or who wears it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stance:
    """Angles in degrees from the vertical."""

    left_arm: float = 34.0
    right_arm: float = 34.0
    bend: float = 4.0  # how far the forearms turn back
    legs: float = 5.0

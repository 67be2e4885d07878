"""Measured figures, shown and noted."""

from collections.abc import Mapping


def print_figures(title: str, figures: Mapping[str, float]) -> None:
    print(title)
    for name, value in figures.items():
        print(f"  {name:<24} {value:.4f}")


def noted(precision: str, figures: Mapping[str, float]) -> dict[str, float]:
    """As a manifest has them: fp32 by their names, others with their precision."""
    return {name if precision == "fp32" else f"{precision}_{name}": round(value, 4) for name, value in figures.items()}

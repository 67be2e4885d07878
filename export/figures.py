"""Measured figures, shown and noted."""

from collections.abc import Mapping, Sequence


def print_figures(title: str, figures: Mapping[str, float]) -> None:
    print(title)
    for name, value in figures.items():
        print(f"  {name:<24} {value:.4f}")


def print_by_label(title: str, columns: Mapping[str, Mapping[str, float]], labels: Sequence[str]) -> None:
    """One row for each label; a dash where a column has no figure for it."""
    print(f"{title:<24}" + "".join(f"{name:>12}" for name in columns))
    for label in labels:
        cells = (f"{column[label]:.4f}" if label in column else "–" for column in columns.values())
        print(f"  {label:<22}" + "".join(f"{cell:>12}" for cell in cells))


def noted(precision: str, figures: Mapping[str, float]) -> dict[str, float]:
    """As a manifest has them: fp32 by their names, others with their precision."""
    return {name if precision == "fp32" else f"{precision}_{name}": round(value, 4) for name, value in figures.items()}

"""A confusion matrix as a picture."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from export.labels import LABELS
from export.parsing_scores import Confusion


def draw_confusion(counts: Confusion, file: Path, title: str) -> None:
    """Rows are shares of the true label, in percent; a label that does not occur has an empty row."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    figure = Figure(figsize=(10.5, 9), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(LABELS)), LABELS, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(LABELS)), LABELS)
    axes.set_xticks(np.arange(len(LABELS) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(LABELS) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:  # a grid full of zeros hides the rest
            colour = "white" if share > 0.55 else "#1b2a41"
            axes.text(column, row, f"{share:.0%}".rstrip("%"), ha="center", va="center", color=colour, fontsize=9)
    axes.set(xlabel="found label", ylabel="true label")
    axes.set_title(title, loc="left", pad=12)
    bar = figure.colorbar(picture, ax=axes, shrink=0.75, label="% of the true label's pixels")
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "25", "50", "75", "100"])
    bar.outline.set_visible(False)
    figure.savefig(file)

"""How a training went, from the scalars that mmengine logs, as a picture."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

METRICS = "parsing/"
Line = dict[int, float]  # value by step


@dataclass
class Curves:
    loss: Line = field(default_factory=dict)
    rate: Line = field(default_factory=dict)
    validation: dict[str, Line] = field(default_factory=dict)


def read_curves(work_dir: Path) -> Curves:
    """Of all runs in a work_dir, oldest first.

    A run that resumed goes back to a checkpoint: from its first step on, what earlier runs logged is dropped.

    Raises:
        FileNotFoundError: no run has logged anything.
    """
    files = sorted(work_dir.glob("*/vis_data/scalars.json"))  # folders are named by the time of their start
    if not files:
        raise FileNotFoundError(f"{work_dir}: no */vis_data/scalars.json there: train first")
    curves = Curves()
    for file in files:
        _add_run(curves, [json.loads(line) for line in file.read_text().splitlines() if line.strip()])
    return curves


def draw_curves(curves: Curves, file: Path) -> None:
    figure = Figure(figsize=(8, 7), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=(3, 2, 3))
    _draw(top, {"loss": curves.loss}, "loss")
    _draw(middle, {"learning rate": curves.rate}, "learning rate")
    middle.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    _draw(bottom, curves.validation, "validation", marker="o")
    for line in bottom.lines:
        line.set_label(f"{line.get_label()}, {line.get_ydata()[-1]:.3f} at last")
    if curves.validation:
        bottom.legend(loc="center right", frameon=False)
    bottom.set_xlabel("step")
    figure.savefig(file)


def _add_run(curves: Curves, records: list[dict[str, float]]) -> None:
    steps = [int(record["step"]) for record in records if "loss" in record]
    if steps:
        for line in (curves.loss, curves.rate, *curves.validation.values()):
            for step in [step for step in line if step >= steps[0]]:
                del line[step]
    newest = max(curves.loss, default=0)
    for record in records:
        if "loss" in record:
            newest = int(record["step"])
            curves.loss[newest], curves.rate[newest] = record["loss"], record["lr"]
        for name in (name for name in record if name.startswith(METRICS)):
            # Where LoggerHook was not told log_metric_by_epoch=False, a validation is logged with epoch 0 as its step.
            step = int(record["step"]) or newest
            curves.validation.setdefault(name.removeprefix(METRICS).replace("_", " ").replace("iou", "IoU"), {})[
                step
            ] = record[name]


def _draw(axes: Axes, lines: dict[str, Line], label: str, marker: str = "") -> None:
    for name, line in lines.items():
        steps = sorted(line)
        axes.plot(steps, [line[step] for step in steps], marker=marker, label=name)
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)

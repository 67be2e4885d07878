"""What every benchmark writes: a table for a terminal of 80 columns, JSON, a picture."""

import argparse
import contextlib
import json
import math
import os
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.cpus import available_cpus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LIBRARIES = ("grpcio", "numpy", "onnxruntime", "onnxruntime-gpu")


def add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--plot", type=_plot_file, metavar="FILE", help="draw them into this PNG (needs matplotlib)")


def write(arguments: argparse.Namespace, figures: Any, draw: "Callable[[Figure], object]") -> None:
    """The files that were asked for. ``draw`` fills a figure of 8 × 4.5 inches."""
    if arguments.json:
        document = {"machine": machine(), "figures": figures}
        arguments.json.write_text(json.dumps(_finite(document), indent=2) + "\n")
    if arguments.plot:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        for axes in figure.axes:
            axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(arguments.plot)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    aligned = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([aligned[0], "─" * max(map(len, aligned)), *aligned[1:]])


def machine() -> dict[str, str | int]:
    """What the figures hold for."""
    found: dict[str, str | int] = {"cpu": _cpu_model(), "cpus": available_cpus(), "python": platform.python_version()}
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def machine_line() -> str:
    found = machine()
    return f"{found['cpus']} CPUs, {found['cpu']}, load {os.getloadavg()[0]:.1f} before"


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _plot_file(value: str) -> Path:
    if find_spec("matplotlib") is None:
        raise argparse.ArgumentTypeError("matplotlib is not installed: `pip install -e '.[dev]'`")
    return Path(value)


def _finite(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""``python -m serving.verification [--json] [FOLDER ...]``: are models what they say they are?

Each in a version folder. `clothing-retrieval models verify` runs this. Nothing is served, nothing is written.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving.images import Raster
from serving.models import (
    DEFAULT_FOLDER,
    Manifest,
    ModelError,
    Precision,
    check_digest,
    newest_version,
    read_manifest,
)

TOLERANCE = 1e-3
"""Between a picture's outputs alone and in a batch, as a share of the largest: sums may be ordered differently."""
UNIT_TOLERANCE = 1e-3
LEAST_AGREEMENT: dict[Precision, dict[str, float]] = {
    "fp16": {"segment": 0.98, "embed": 0.999},
    "int8": {"segment": 0.95, "embed": 0.95},
}
"""With fp32, by kind. To find a file gone wrong, not to measure quality.

fp16 shows only what its weights lost: a CPU computes fp16 graphs in float32. ``export`` bounds what rounding between
nodes adds.
"""
PICTURES = 6
CARD = "README.md"

_MENDS: dict[Precision, str] = {
    "fp16": "convert again with more nodes kept in float32",
    "int8": "quantise again with more calibration pictures",
}
_OUTPUTS = {"segment": "logits", "embed": "embedding"}
_BATCH = 3

Floats = NDArray[np.float32]


@dataclass
class Report:
    """What was found in one version folder. ``problems`` are lines that name a file and what to do."""

    folder: Path
    name: str = ""
    rows: list[tuple[str, str, str]] = field(default_factory=list)  # file, what, figure
    problems: list[str] = field(default_factory=list)


def verify(folder: Path) -> Report:
    """Checks one version folder. What can still be checked after a problem is."""
    report = Report(folder, f"{folder.resolve().parent.name} {folder.resolve().name}")
    try:
        manifest = read_manifest(folder / "model.json")
    except ModelError as error:
        report.problems.append(f"{_one_line(error)}: correct it, or export the model again")
        return report
    report.rows.append(("model.json", "manifest", manifest.kind))
    card = folder / CARD
    if card.is_file():
        report.rows.append((CARD, "model card", f"{card.stat().st_size:,} bytes"))
    else:
        report.problems.append(f"{card}: no model card there: write one (use, data, licences, figures, limits)")
    pictures = drawn_pictures(manifest.input.height, manifest.input.width)
    outputs: dict[Precision, Floats] = {}
    for precision, entry in manifest.files.items():
        file = folder / entry.path
        try:
            check_digest(file, entry.sha256)
            session = _loaded(file)
            _check_signature(file, session, manifest)
            together, difference = _run(file, session, pictures, manifest)
            report.rows.append((entry.path, "batch 3 against 1", f"{difference:.1e} apart"))
            if manifest.kind == "embed":
                report.rows.append((entry.path, "length of vectors", f"{_off_unit(file, together):.1e} off 1"))
        except ModelError as error:
            report.problems.append(_one_line(error))
            continue
        outputs[precision] = together
    for precision, found in outputs.items():
        if precision != "fp32" and "fp32" in outputs:
            _compare(report, manifest, precision, outputs["fp32"], found)
    return report


def drawn_pictures(height: int, width: int, count: int = PICTURES) -> Raster:
    """(count, height, width, 3) uint8 RGB: people in plain clothes before a soft ground, the same ones every time."""
    return np.stack([_person(np.random.default_rng(number), height, width) for number in range(count)])


def agreement(kind: str, expected: Floats, found: Floats) -> float:
    """Segment: of the cells where ``expected`` gives a label more than half (of all, where there are none), the share
    with the same label. Embed: the mean cosine."""
    if kind == "segment":
        powers = np.exp(expected - expected.max(axis=1, keepdims=True))
        sure = powers.sum(axis=1) < 2
        same = expected.argmax(axis=1) == found.argmax(axis=1)
        return float(same[sure].mean() if sure.any() else same.mean())
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    return float(((expected * found).sum(axis=1) / lengths).mean())


def newest_versions(models: Path) -> list[Path]:
    """Of every model in a models folder.

    Raises:
        ModelError: there is no model.
    """
    names = sorted({path.parent.parent for path in models.glob("*/*/model.json")})
    if not names:
        raise ModelError(f"{models}: no model there: name the version folders to verify")
    return [newest_version(name) for name in names]


def _loaded(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise ModelError(f"{file}: onnxruntime cannot load it ({error}): fetch or export it again") from error


def _check_signature(file: Path, session: onnxruntime.InferenceSession, manifest: Manifest) -> None:
    size = manifest.input
    shape = [size.height, size.width, 3]
    _check_side(file, "input", session.get_inputs(), "image", "tensor(uint8)", shape)
    result: list[int | None] = [manifest.dimension] if manifest.kind == "embed" else [len(manifest.labels), None, None]
    _check_side(file, "output", session.get_outputs(), _OUTPUTS[manifest.kind], "tensor(float)", result)


def _check_side(
    file: Path,
    side: str,
    nodes: Sequence[onnxruntime.NodeArg],
    name: str,
    kind: str,
    shape: Sequence[int | None],
) -> None:
    """Shapes without their first axis, which must be free; None, and what the graph leaves open, fits any number."""
    needed = f"{name} {kind} [n, {', '.join('any' if number is None else str(number) for number in shape)}]"
    given = "; ".join(f"{node.name} {node.type} {node.shape}" for node in nodes)
    fits = len(nodes) == 1 and (nodes[0].name, nodes[0].type) == (name, kind)
    fits = fits and len(nodes[0].shape) == len(shape) + 1 and not isinstance(nodes[0].shape[0], int)
    if not fits or any(
        isinstance(is_, int) and should is not None and is_ != should
        for is_, should in zip(nodes[0].shape[1:], shape, strict=True)
    ):
        raise ModelError(f"{file}: {side} is {given}, by model.json it is {needed}: correct one of the two")


def _run(
    file: Path, session: onnxruntime.InferenceSession, pictures: Raster, manifest: Manifest
) -> tuple[Floats, float]:
    """The outputs for all pictures, and how far those of a batch are from those of single pictures."""
    try:
        single = np.concatenate([session.run(None, {"image": picture[None]})[0] for picture in pictures])
        batch = session.run(None, {"image": pictures[:_BATCH]})[0]
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise ModelError(f"{file}: cannot run batches of 1 and {_BATCH} ({error}): export it again") from error
    width = manifest.dimension if manifest.kind == "embed" else len(manifest.labels)
    if single.shape[1] != width or batch.shape != single[:_BATCH].shape:
        raise ModelError(
            f"{file}: outputs have shape {batch.shape}, by model.json ({_BATCH}, {width}, …): export it again"
        )
    if not (np.isfinite(single).all() and np.isfinite(batch).all()):
        raise ModelError(f"{file}: some outputs are not finite numbers: export it again")
    difference = float(np.abs(batch - single[:_BATCH]).max() / max(float(np.abs(single).max()), 1e-12))
    if difference > TOLERANCE:
        raise ModelError(
            f"{file}: a picture's outputs in a batch of {_BATCH} are {difference:.1e} from those alone, "
            f"more than {TOLERANCE}: export it with a free first axis"
        )
    return single, difference


def _off_unit(file: Path, vectors: Floats) -> float:
    off = float(np.abs(np.linalg.norm(vectors, axis=1) - 1).max())
    if off > UNIT_TOLERANCE:
        raise ModelError(f"{file}: vectors are up to {off:.1e} off length 1: normalise them inside the graph")
    return off


def _compare(report: Report, manifest: Manifest, precision: Precision, expected: Floats, found: Floats) -> None:
    path = manifest.files[precision].path
    what = "where fp32 is sure, same label" if manifest.kind == "segment" else "cosine to fp32"
    if expected.shape != found.shape:
        report.problems.append(
            f"{report.folder / path}: outputs have shape {found.shape}, fp32's {expected.shape}: export both again"
        )
        return
    share = agreement(manifest.kind, expected, found)
    report.rows.append((path, what, f"{share:.4f}"))
    least = LEAST_AGREEMENT[precision][manifest.kind]
    if not share >= least:
        report.problems.append(f"{report.folder / path}: {what} is {share:.3f}, less than {least}: {_MENDS[precision]}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _person(rng: np.random.Generator, height: int, width: int) -> Raster:
    def colour() -> tuple[int, ...]:
        return tuple(int(value) for value in rng.integers(30, 226, 3))

    def box_(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return (left * width, top * height, right * width, bottom * height)

    picture = Image.new("RGB", (width, height), tuple(int(value) for value in rng.integers(180, 246, 3)))
    draw = ImageDraw.Draw(picture)
    skin, shoes, lower, upper = (214, 170, 140), (40, 36, 34), colour(), colour()
    draw.ellipse(box_(0.42, 0.03, 0.58, 0.13), fill=(60, 44, 36))
    draw.ellipse(box_(0.44, 0.06, 0.56, 0.18), fill=skin)
    draw.rectangle(box_(0.24, 0.22, 0.76, 0.50), fill=skin)
    draw.rectangle(box_(0.32, 0.20, 0.68, 0.52), fill=upper)
    draw.rectangle(box_(0.22, 0.20, 0.78, 0.34), fill=upper)
    for left in (0.34, 0.52):
        draw.rectangle(box_(left, 0.52, left + 0.14, 0.88), fill=lower)
        draw.ellipse(box_(left - 0.02, 0.88, left + 0.16, 0.95), fill=shoes)
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(width / 200)), np.float32)
    light = np.linspace(1.1, 0.85, height)[:, None, None] * np.linspace(0.95, 1.05, width)[None, :, None]
    return (pixels * light + rng.normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)


def _tables(reports: Sequence[Report]) -> Iterator[Table | Text]:
    for report in reports:
        yield Text(report.name, style="bold")
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, header_style="dim")
        table.add_column("file", overflow="fold")
        table.add_column("checked", overflow="fold")
        table.add_column("figure", justify="right", no_wrap=True)
        for row in report.rows:
            table.add_row(*(Text(cell) for cell in row))
        if report.rows:
            yield table
        yield Text(f"{len(report.problems)} to mend\n" if report.problems else "all right\n", style="dim")


def _json(report: Report) -> str:
    checks = [{"file": file, "check": check, "figure": figure} for file, check, figure in report.rows]
    return json.dumps(
        {"folder": str(report.folder), "model": report.name, "checks": checks, "problems": report.problems},
        ensure_ascii=False,
    )


def main(arguments: Sequence[str]) -> int:
    """Prints tables (or JSON, a line for each folder) to stdout, problems to stderr, a line each. Returns the exit
    code."""
    parser = argparse.ArgumentParser(prog="python -m serving.verification")
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    out, err = Console(highlight=False), Console(stderr=True, highlight=False)
    try:
        chosen = asked.folders or newest_versions(DEFAULT_FOLDER)
    except ModelError as error:
        err.print(str(error), markup=False, soft_wrap=True)
        return 1
    reports = [verify(folder) for folder in chosen]
    if asked.json:
        for report in reports:
            out.print(_json(report), markup=False, soft_wrap=True)
    else:
        for part in _tables(reports):
            out.print(part)
    problems = [problem for report in reports for problem in report.problems]
    for problem in problems:
        err.print(problem, markup=False, soft_wrap=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

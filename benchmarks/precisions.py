"""The models alone, as a CPU worker runs them: int8 against float32.

    python -m benchmarks.precisions [--seconds 10] [MODEL...]

One engine of one thread for each core, batches of one, random pictures (the time does not depend on them). The
precisions take turns in rounds, so that a machine that slows down slows down both.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import numpy as np

from serving.cpus import available_cpus
from serving.models import DEFAULT_FOLDER, Precision, newest_version, read_manifest
from serving.onnx_engine import OnnxEngine

_OUTPUTS = {"segment": "logits", "embed": "embedding"}
_PRECISIONS: tuple[Precision, ...] = ("fp32", "int8")
_ROUNDS = 5


def engines(version: Path, precision: Precision) -> tuple[list[OnnxEngine], tuple[int, int]]:
    manifest = read_manifest(version / "model.json")
    size = (manifest.input.height, manifest.input.width)
    file = version / manifest.files[precision].path
    count = available_cpus()
    return [OnnxEngine(file, size, _OUTPUTS[manifest.kind], "cpu", 1) for _ in range(count)], size


def pictures_per_s(loaded: Sequence[OnnxEngine], size: tuple[int, int], seconds: float) -> float:
    picture = np.random.default_rng(0).integers(0, 256, (1, *size, 3), dtype=np.uint8)
    done = [0] * len(loaded)
    until = time.perf_counter() + seconds

    def work(place: int) -> None:
        while time.perf_counter() < until:
            loaded[place].run(picture)
            done[place] += 1

    threads = [Thread(target=work, args=(place,)) for place in range(len(loaded))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["clothing-parser", "garment-embedder"], metavar="MODEL")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each precision, in all")
    arguments = parser.parse_args()
    print(f"{'model':18} {'fp32/s':>8} {'int8/s':>8} {'int8 to fp32':>13}   of each round")
    for name in arguments.models:
        loaded = {precision: engines(newest_version(DEFAULT_FOLDER / name), precision) for precision in _PRECISIONS}
        for each in loaded.values():
            pictures_per_s(*each, seconds=0.5)
        rounds = [
            {precision: pictures_per_s(*each, arguments.seconds / _ROUNDS) for precision, each in loaded.items()}
            for _ in range(_ROUNDS)
        ]
        ratios = [each["int8"] / each["fp32"] for each in rounds]
        fp32, int8 = (float(np.median([each[precision] for each in rounds])) for precision in _PRECISIONS)
        spread = " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
        print(f"{name:18} {fp32:8.1f} {int8:8.1f} {float(np.median(ratios)):13.2f}   {spread}")


if __name__ == "__main__":
    main()

"""Milliseconds per picture."""

import time
from pathlib import Path

import numpy as np

from export.onnx_files import INPUT, open_session


def milliseconds(file: Path, repeats: int = 50) -> float:
    """Median over single pictures on one thread."""
    session = open_session(file, threads=1)
    height, width = session.get_inputs()[0].shape[1:3]
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    taken = []
    for _ in range(repeats + 5):
        start = time.perf_counter()
        session.run(None, {INPUT: picture})
        taken.append(time.perf_counter() - start)
    return float(np.median(taken[5:]) * 1000)

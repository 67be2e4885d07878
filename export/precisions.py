"""A network → its ONNX files in all precisions, held against PyTorch and against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from export.calibration import evenly
from export.model_folder import FP16, FP32, INT8
from export.onnx_files import Pictures, cosine, parity, run, write_fp16, write_int8, write_onnx
from export.rounding import run_rounding

MAX_DIFFERENCE = 1e-4
LEAST_FP16_COSINE = 0.999
LEAST_INT8_COSINE = 0.95
"""As ``serving.verification`` wants it of an embedder."""


@dataclass(frozen=True)
class Agreement:
    pytorch: float
    """The largest difference between PyTorch's output and fp32's, as a share of the largest output."""
    fp16: float
    """Cosine to fp32, with each result rounded as on a GPU."""
    int8: float
    """Cosine to fp32."""


def write_precisions(
    graph: nn.Module,
    folder: Path,
    output: str,
    calibration: Pictures,
    int8_in_float: Sequence[str] = (),
    fp16_in_float: Sequence[str] = (),
    reference: nn.Module | None = None,
) -> Agreement:
    """Writes fp32, fp16 and int8 into a folder that it makes; prints how they agree.

    Args:
        output: the name of the graph's output.
        calibration: (n, h, w, 3) at the graph's input size; int8's ranges come from all, fp16's and int8's
            figures from 16 that are spread over them.
        int8_in_float, fp16_in_float: names of nodes (or their beginnings) that stay in float.
        reference: the network that fp32 is held against, where the graph only computes the same as it.

    Raises:
        ValueError: fp32 differs from PyTorch by more than ``MAX_DIFFERENCE``, or the cosine to fp32 is below
            ``LEAST_FP16_COSINE``, or ``LEAST_INT8_COSINE``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fp32, fp16, int8 = (folder / name for name in (FP32, FP16, INT8))
    write_onnx(graph, fp32, output, *calibration.shape[1:3])
    difference = parity(reference or graph, fp32, calibration[:8])
    print(f"largest difference between PyTorch and {FP32}: {difference:.2e} of the largest output")
    if not difference <= MAX_DIFFERENCE:
        raise ValueError(f"{fp32}: differs from PyTorch by {difference:.2e}, more than {MAX_DIFFERENCE}")
    pictures = np.stack(evenly(calibration, 16))
    expected = run(fp32, pictures)
    write_fp16(fp32, fp16, fp16_in_float)
    half = cosine(expected, run_rounding(fp16, pictures))
    print(f"cosine of {FP16} to {FP32}: {half:.5f}")
    if not half >= LEAST_FP16_COSINE:
        raise ValueError(f"{fp16}: cosine to {FP32} is {half:.5f}, less than {LEAST_FP16_COSINE}")
    write_int8(fp32, int8, calibration, int8_in_float)
    quantised = cosine(expected, run(int8, pictures))
    print(f"cosine of {INT8} to {FP32}: {quantised:.4f}")
    if not quantised >= LEAST_INT8_COSINE:
        raise ValueError(f"{int8}: cosine to {FP32} is {quantised:.4f}, less than {LEAST_INT8_COSINE}")
    return Agreement(difference, half, quantised)

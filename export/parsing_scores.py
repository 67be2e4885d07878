"""How well label maps agree."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS
from numpy.typing import NDArray

from export.labels import GARMENTS, LABELS

Confusion = NDArray[np.int64]  # (15, 15), rows: true label, columns: found label
_CLOTHING = np.array([label in GARMENTS for label in LABELS])
_RARE = 0.01


def confusion(truth: NDArray[Any], found: NDArray[Any]) -> Confusion:
    """Counts of pixels; those without a true label are left out."""
    known = truth < len(LABELS)
    pairs = truth[known].astype(np.int64) * len(LABELS) + found[known]
    return np.bincount(pairs, minlength=len(LABELS) ** 2).reshape(len(LABELS), len(LABELS))


def scores(counts: Confusion) -> dict[str, float]:
    """Pixel accuracy, IoU of clothing against the rest, mean IoU over the labels that occur."""
    both, either = _overlap(counts)
    occurs = either > 0
    clothing = counts[_CLOTHING][:, _CLOTHING].sum()
    anywhere = counts[_CLOTHING].sum() + counts[:, _CLOTHING].sum() - clothing
    return {
        "pixel_accuracy": float(both.sum() / counts.sum()),
        "clothing_iou": float(clothing / anywhere),
        "mean_iou": float((both[occurs] / either[occurs]).mean()),
    }


def iou_by_label(counts: Confusion) -> dict[str, float]:
    both, either = _overlap(counts)
    return {label: float(both[i] / either[i]) for i, label in enumerate(LABELS) if either[i]}


def precision_by_label(counts: Confusion) -> dict[str, float]:
    """Of the pixels found as a label, the share that has it; labels that were never found are left out."""
    return _shares(counts, counts.sum(axis=0))


def recall_by_label(counts: Confusion) -> dict[str, float]:
    """Of the pixels that have a label, the share found as it; labels that do not occur are left out."""
    return _shares(counts, counts.sum(axis=1))


def by_label(counts: Confusion) -> dict[str, dict[str, float]]:
    return {
        "IoU": iou_by_label(counts),
        "precision": precision_by_label(counts),
        "recall": recall_by_label(counts),
    }


def actual_garments(counts: Confusion) -> dict[str, dict[str, float]]:
    """For each garment label found, the shares of the garment labels that its pixels truly have, largest first.

    Pixels that are no garment do not count; shares below 0.01 are left out, and so are labels that were never found.
    """
    shares: dict[str, dict[str, float]] = {}
    for found in GARMENTS:
        pixels = {actual: int(counts[LABELS.index(actual), LABELS.index(found)]) for actual in GARMENTS}
        total = sum(pixels.values())
        kept = {actual: round(count / total, 4) for actual, count in pixels.items() if count >= _RARE * total > 0}
        if kept:
            shares[found] = dict(sorted(kept.items(), key=lambda entry: -entry[1]))
    return shares


def _shares(counts: Confusion, totals: NDArray[np.int64]) -> dict[str, float]:
    return {label: float(counts[i, i] / totals[i]) for i, label in enumerate(LABELS) if totals[i]}


def _overlap(counts: Confusion) -> tuple[Confusion, Confusion]:
    both = np.diag(counts)
    return both, counts.sum(axis=0) + counts.sum(axis=1) - both


@METRICS.register_module()
class ParsingMetric(BaseMetric):
    """``scores`` over the validation photos, for mmengine's loop."""

    default_prefix = "parsing"

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        for sample in data_samples:
            truth = sample["gt_sem_seg"]["data"].squeeze().cpu().numpy()
            found = sample["pred_sem_seg"]["data"].squeeze().cpu().numpy()
            self.results.append(confusion(truth, found))

    def compute_metrics(self, results: list[Confusion]) -> dict[str, float]:
        return scores(np.sum(results, axis=0))

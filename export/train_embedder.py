"""Trains the embedder's last block and heads on maps that its frozen part gives.

Three signals: contrast between views of one garment and all others (InfoNCE; van den Oord et al., 2018) on the instance
head; contrast between kinds (Khosla et al., "Supervised contrastive learning", 2020) and a classifier of kinds on the
kind head.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from export.embedder import KIND_DIMENSION, GarmentEmbedder
from export.garment_views import View
from export.kinds import KINDS, covered

_BATCH = 32


@dataclass(frozen=True)
class Maps:
    """Of n views, by the frozen part."""

    values: NDArray[np.float16]  # (n, 192, 7, 7)
    garments: NDArray[np.int64]  # (n,)
    kinds: NDArray[np.int64]  # (n,): rows of kinds.covered()

    def save(self, file: Path) -> None:
        np.savez(file, values=self.values, garments=self.garments, kinds=self.kinds)

    @classmethod
    def load(cls, file: Path) -> "Maps":
        with np.load(file) as arrays:
            return cls(**arrays)


@dataclass(frozen=True)
class Recipe:
    warm_up_epochs: int = 40
    """Of the heads alone, on the untuned network's features."""
    epochs: int = 16
    garments: int = 128
    """In a batch, two views of each."""
    head_rate: float = 2e-3
    block_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.2
    temperature: float = 0.07
    instance_weight: float = 1.0
    kind_weight: float = 1.0
    class_weight: float = 1.0
    kind_share: float = 0.7
    seed: int = 0


def extract(views: Iterable[View]) -> Maps:
    """What the frozen part makes of each view, computed in bfloat16."""
    network = GarmentEmbedder().eval()
    values: list[NDArray[np.float16]] = []
    garments: list[int] = []
    kinds: list[int] = []
    waiting: list[View] = []

    def flush() -> None:
        pictures = torch.from_numpy(np.stack([view.picture for view in waiting]))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            values.append(network.maps(pictures).half().numpy())
        waiting.clear()

    for view in views:
        waiting.append(view)
        garments.append(view.garment)
        kinds.append(view.kind)
        if len(waiting) == _BATCH:
            flush()
    if waiting:
        flush()
    return Maps(np.concatenate(values), np.array(garments), np.array(kinds))


def train(maps: Maps, recipe: Recipe) -> GarmentEmbedder:
    """The heads first, then the last block with them."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    embedder = GarmentEmbedder(recipe.kind_share).eval()  # batch statistics stay those of ImageNet
    classifier = nn.Linear(KIND_DIMENSION, len(KINDS))
    kinds = torch.from_numpy(covered()[maps.kinds])
    groups = _views_by_garment(maps.garments)
    untuned = _all_features(embedder, maps)
    embedder.heads.standardise(untuned)
    heads = [*embedder.heads.parameters(), *classifier.parameters()]
    optimiser = torch.optim.AdamW(heads, recipe.head_rate, weight_decay=recipe.weight_decay)
    for epoch in range(recipe.warm_up_epochs):
        losses = []
        for rows in _pairs(rng, groups, 4 * recipe.garments):
            loss = _loss(embedder, classifier, untuned[rows], kinds[rows], recipe)
            _step(optimiser, loss)
            losses.append(loss.item())
        if epoch % 10 == 9:
            print(f"heads, epoch {epoch + 1}/{recipe.warm_up_epochs}: loss {np.mean(losses):.3f}", flush=True)
    parameters = [
        {"params": heads, "lr": recipe.head_rate / 4},
        {"params": list(embedder.tuned.parameters()), "lr": recipe.block_rate},
    ]
    optimiser = torch.optim.AdamW(parameters, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * (len(groups) // recipe.garments)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, [group["lr"] for group in parameters], total_steps=steps + 1, pct_start=0.1
    )
    for epoch in range(recipe.epochs):
        losses = []
        for rows in _pairs(rng, groups, recipe.garments):
            batch = _mirrored(rng, torch.from_numpy(maps.values[rows]).float())
            with torch.autocast("cpu", torch.bfloat16):
                features = embedder.features(batch)
            loss = _loss(embedder, classifier, features.float(), kinds[rows], recipe)
            _step(optimiser, loss)
            schedule.step()
            losses.append(loss.item())
        print(f"block, epoch {epoch + 1}/{recipe.epochs}: loss {np.mean(losses):.3f}", flush=True)
    return embedder


def pair_contrast(embeddings: Tensor, temperature: float) -> Tensor:
    """InfoNCE; row i and row i + n/2 show one garment. (n, d) unit vectors → a scalar."""
    count = len(embeddings)
    similarity = (embeddings @ embeddings.T / temperature).fill_diagonal_(-1e4)
    partner = (torch.arange(count) + count // 2) % count
    return functional.cross_entropy(similarity, partner)


def kind_contrast(embeddings: Tensor, kinds: Tensor, temperature: float) -> Tensor:
    """Supervised contrast: all of one kind attract each other; what may or may not be of one kind does neither.

    Args:
        embeddings: (n, d) unit vectors.
        kinds: (n, kinds) bool, what each may be.

    Returns:
        A scalar.
    """
    overlap = kinds.float() @ kinds.float().T > 0
    known = kinds.sum(dim=1) == 1
    same = (overlap & known[:, None] & known[None]).float().fill_diagonal_(0)
    similarity = (embeddings @ embeddings.T / temperature).fill_diagonal_(-1e4)
    shares = functional.log_softmax(similarity.masked_fill(overlap & (same == 0), -1e4), dim=1)
    anchors = same.sum(1) > 0
    return -((shares * same).sum(1)[anchors] / same.sum(1)[anchors]).mean()


def class_loss(guesses: Tensor, kinds: Tensor) -> Tensor:
    """Cross entropy where any of several kinds is right: (n, kinds) logits and bools → a scalar."""
    shares = functional.log_softmax(guesses, dim=1)
    return -shares.masked_fill(~kinds, -torch.inf).logsumexp(dim=1).mean()


def _loss(embedder: GarmentEmbedder, classifier: nn.Linear, features: Tensor, kinds: Tensor, recipe: Recipe) -> Tensor:
    kind, instance = embedder.heads.parts(functional.dropout(features, recipe.dropout))
    return (
        recipe.instance_weight * pair_contrast(instance, recipe.temperature)
        + recipe.kind_weight * kind_contrast(kind, kinds, recipe.temperature)
        + recipe.class_weight * class_loss(classifier(kind) / recipe.temperature, kinds)
    )


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _all_features(embedder: GarmentEmbedder, maps: Maps) -> Tensor:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        parts = [
            embedder.features(torch.from_numpy(maps.values[start : start + 256]).float()).float()
            for start in range(0, len(maps.values), 256)
        ]
    return torch.cat(parts)


def _pairs(rng: np.random.Generator, groups: list[NDArray[np.int64]], count: int) -> Iterable[NDArray[np.int64]]:
    """Rows of two views of each of so many garments, first views first; every garment once."""
    order = rng.permutation(len(groups))
    for start in range(0, len(groups) - count + 1, count):
        chosen = order[start : start + count]
        yield np.array([rng.choice(groups[garment], 2, replace=False) for garment in chosen]).T.ravel()


def _mirrored(rng: np.random.Generator, maps: Tensor) -> Tensor:
    """Half of them, left to right: the maps of mirrored pictures are mirrored."""
    return torch.where(torch.from_numpy(rng.random(len(maps)) < 0.5)[:, None, None, None], maps.flip(3), maps)


def _views_by_garment(garments: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(garments, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(garments[order])) + 1)
    return [group for group in groups if len(group) > 1]

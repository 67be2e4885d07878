"""Trains the embedder on views of garments.

Three signals: contrast between views of one garment and all others (InfoNCE; van den Oord et al., 2018) on the instance
head; contrast between kinds (Khosla et al., "Supervised contrastive learning", 2020) and a classifier of kinds on the
kind head.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from export.augmentation import varied
from export.embedder import KIND_DIMENSION, GarmentEmbedder
from export.garment_views import View
from export.kinds import KINDS, covered
from export.onnx_files import Pictures


@dataclass(frozen=True)
class Views:
    """Pictures of n garments' views."""

    pictures: Pictures  # (n, 224, 224, 3)
    garments: NDArray[np.int64]  # (n,)
    kinds: NDArray[np.int64]  # (n,): rows of kinds.covered()

    @classmethod
    def collect(cls, views: Iterable[View]) -> "Views":
        found = list(views)
        return cls(
            np.stack([view.picture for view in found]),
            np.array([view.garment for view in found]),
            np.array([view.kind for view in found]),
        )

    def save(self, file: Path) -> None:
        np.savez(file, pictures=self.pictures, garments=self.garments, kinds=self.kinds)

    @classmethod
    def load(cls, file: Path) -> "Views":
        with np.load(file) as arrays:
            return cls(**arrays)


@dataclass(frozen=True)
class Recipe:
    warm_up_steps: int = 400
    """Of the heads alone, on the untuned network's features."""
    steps: int = 3500
    garments: int = 256
    """In a batch, two views of each."""
    head_rate: float = 1e-3
    network_rate: float = 4e-4
    weight_decay: float = 0.05
    dropout: float = 0.2
    temperature: float = 0.07
    instance_weight: float = 1.0
    kind_weight: float = 1.0
    class_weight: float = 1.0
    kind_share: float = 0.5
    seed: int = 0


def train(views: Views, recipe: Recipe, device: torch.device) -> GarmentEmbedder:
    """The heads first, then the network with them; the rate falls to nothing.

    Returns:
        The embedder, on the CPU.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    # Batch statistics stay those of ImageNet.
    embedder = GarmentEmbedder(recipe.kind_share).eval().to(device, memory_format=torch.channels_last)
    classifier = nn.Linear(KIND_DIMENSION, len(KINDS)).to(device)
    kinds = torch.from_numpy(covered()[views.kinds]).to(device)
    pictures = torch.from_numpy(views.pictures).to(device)
    groups = views_by_garment(views.garments)
    untuned = _all_features(embedder, pictures)
    embedder.heads.standardise(untuned)
    heads = [*embedder.heads.parameters(), *classifier.parameters()]
    network = [*embedder.tuned.parameters(), *embedder.last.parameters()]

    optimiser = torch.optim.AdamW(heads, 2 * recipe.head_rate, weight_decay=recipe.weight_decay)
    for rows in islice(_pairs(rng, groups, 2 * recipe.garments), recipe.warm_up_steps):
        _step(optimiser, _loss(embedder, classifier, untuned[rows], kinds[rows], recipe))

    parameters = [{"params": heads, "lr": recipe.head_rate}, {"params": network, "lr": recipe.network_rate}]
    optimiser = torch.optim.AdamW(parameters, weight_decay=recipe.weight_decay)
    rates = [group["lr"] for group in parameters]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=recipe.steps + 1, pct_start=0.1)
    losses = []
    for step, rows in enumerate(islice(_pairs(rng, groups, recipe.garments), recipe.steps), 1):
        batch = varied(pictures[rows])
        with _half(device):
            features = embedder.pooled(embedder.maps(batch))
        loss = _loss(embedder, classifier, features.float(), kinds[rows], recipe)
        _step(optimiser, loss)
        schedule.step()
        losses.append(loss.detach())
        if step % 100 == 0 or step == recipe.steps:
            print(f"step {step}/{recipe.steps}: loss {torch.stack(losses).mean():.3f}", flush=True)
            losses.clear()
    return embedder.cpu()


def pair_contrast(embeddings: Tensor, temperature: float) -> Tensor:
    """InfoNCE; row i and row i + n/2 show one garment. (n, d) unit vectors → a scalar."""
    count = len(embeddings)
    similarity = (embeddings @ embeddings.T / temperature).fill_diagonal_(-1e4)
    partner = (torch.arange(count, device=embeddings.device) + count // 2) % count
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


def _half(device: torch.device) -> torch.autocast:
    """On a GPU; most CPUs only emulate bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def _all_features(embedder: GarmentEmbedder, pictures: Tensor) -> Tensor:
    with torch.no_grad(), _half(pictures.device):
        return torch.cat([embedder.pooled(embedder.maps(batch)).float() for batch in pictures.split(256)])


def _pairs(rng: np.random.Generator, groups: list[NDArray[np.int64]], count: int) -> Iterator[NDArray[np.int64]]:
    """Rows of two views of each of so many garments, first views first; no garment again before all have come."""
    count = min(count, len(groups))
    while True:
        order = rng.permutation(len(groups))
        for start in range(0, len(groups) - count + 1, count):
            chosen = order[start : start + count]
            yield np.array([rng.choice(groups[garment], 2, replace=False) for garment in chosen]).T.ravel()


def views_by_garment(garments: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The rows of each garment that has several, in their order."""
    order = np.argsort(garments, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(garments[order])) + 1)
    return [group for group in groups if len(group) > 1]

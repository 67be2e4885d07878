"""Learns the embedder's projection on frozen EfficientNet-Lite0 features.

Three signals, all on unit vectors: supervised contrast between folders (Khosla et al., 2020), a classifier of folders,
and contrast between views of one garment and all others (InfoNCE; van den Oord et al., 2018).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from export.backbone import FEATURES
from export.garment_views import FOLDERS, NO_FOLDER, View
from export.graphs import EmbedderGraph
from export.model_folder import DIMENSION

_BATCH = 16


@dataclass(frozen=True)
class Features:
    """Of n views."""

    values: NDArray[np.float32]  # (n, 1280)
    garments: NDArray[np.int64]  # (n,)
    folders: NDArray[np.int64]  # (n,)

    def save(self, file: Path) -> None:
        np.savez(file, values=self.values, garments=self.garments, folders=self.folders)

    @classmethod
    def load(cls, file: Path) -> "Features":
        with np.load(file) as arrays:
            return cls(**arrays)


@dataclass(frozen=True)
class Recipe:
    epochs: int = 60
    batch: int = 512
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    dropout: float = 0.2
    temperature: float = 0.07
    folder_weight: float = 0.3
    class_weight: float = 0.2
    garment_weight: float = 2.0
    seed: int = 0


def extract(views: Iterable[View]) -> Features:
    """The frozen network's pooled features, computed in bfloat16."""
    network = EmbedderGraph(DIMENSION).eval().to(memory_format=torch.channels_last)
    values: list[NDArray[np.float32]] = []
    garments: list[int] = []
    folders: list[int] = []
    waiting: list[View] = []

    def flush() -> None:
        pictures = torch.from_numpy(np.stack([view.picture for view in waiting]))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            values.append(network.features(pictures).float().numpy())
        waiting.clear()

    for view in views:
        waiting.append(view)
        garments.append(view.garment)
        folders.append(view.folder)
        if len(waiting) == _BATCH:
            flush()
    if waiting:
        flush()
    return Features(np.concatenate(values), np.array(garments), np.array(folders))


def learn_projection(features: Features, recipe: Recipe) -> nn.Linear:
    """1280 → 256."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    values = torch.from_numpy(features.values)
    mean, scale = values.mean(0), values.std(0) + 1e-3
    values = (values - mean) / scale
    folders = torch.from_numpy(features.folders)
    projection = nn.Linear(FEATURES, DIMENSION)
    classifier = nn.Linear(DIMENSION, len(FOLDERS))
    parameters = [*projection.parameters(), *classifier.parameters()]
    optimiser = torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)
    groups = _views_by_garment(features.garments)
    steps = recipe.epochs * (len(groups) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=steps)
    for step in range(steps):
        chosen = rng.choice(len(groups), recipe.batch, replace=False)
        pairs = np.array([rng.choice(groups[garment], 2, replace=False) for garment in chosen])
        rows = torch.from_numpy(pairs.T.ravel())  # first views, then second views
        embeddings = functional.normalize(projection(functional.dropout(values[rows], recipe.dropout)), dim=1)
        known = folders[rows] != NO_FOLDER
        loss = recipe.garment_weight * pair_contrast(embeddings, recipe.temperature)
        loss = loss + recipe.folder_weight * folder_contrast(
            embeddings[known], folders[rows][known], recipe.temperature
        )
        guesses = classifier(embeddings[known]) / recipe.temperature
        loss = loss + recipe.class_weight * functional.cross_entropy(guesses, folders[rows][known])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(f"step {step}/{steps}: loss {loss.item():.3f}", flush=True)
    return _unscaled(projection, mean, scale)


def pair_contrast(embeddings: Tensor, temperature: float) -> Tensor:
    """InfoNCE; row i and row i + n/2 show one garment. (n, d) unit vectors → a scalar."""
    count = len(embeddings)
    similarity = (embeddings @ embeddings.T / temperature).fill_diagonal_(-1e4)
    partner = (torch.arange(count) + count // 2) % count
    return functional.cross_entropy(similarity, partner)


def folder_contrast(embeddings: Tensor, folders: Tensor, temperature: float) -> Tensor:
    """Supervised contrast: all of one folder attract each other. (n, d) unit vectors → a scalar."""
    similarity = (embeddings @ embeddings.T / temperature).fill_diagonal_(-1e4)
    shares = functional.log_softmax(similarity, dim=1)
    same = (folders[:, None] == folders[None]).float().fill_diagonal_(0)
    return -((shares * same).sum(1) / same.sum(1).clamp(min=1)).mean()


def _views_by_garment(garments: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(garments, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(garments[order])) + 1)
    return [group for group in groups if len(group) > 1]


def _unscaled(projection: nn.Linear, mean: Tensor, scale: Tensor) -> nn.Linear:
    """The same projection, for features as they come."""
    result = nn.Linear(FEATURES, DIMENSION)
    with torch.no_grad():
        result.weight.copy_(projection.weight / scale)
        result.bias.copy_(projection.bias - result.weight @ mean)
    return result

"""Trains a released embedder's last convolution and its heads further, behind the parser that it is served with.

Any view of a garment is to lie nearer to that garment's first view than to all other garments' first views, as in a
search. It is the whole embedding that is compared, so that a kind mistaken in a poor cutout comes to count for less.
The losses of ``train_embedder`` go on beside it. What lies before the last convolution is computed once, so that a CPU
needs minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from export.embedder import KIND_DIMENSION, GarmentEmbedder
from export.kinds import KINDS, covered
from export.onnx_files import Pictures
from export.train_embedder import Views, class_loss, kind_contrast, pair_contrast, views_by_garment

_PICTURES = 8
"""At a time: what layers make of more does not stay in a CPU's cache, and takes up to three times as long."""
_MAPS = 256
_MAP = (320, 7, 7)


@dataclass(frozen=True)
class Refinement:
    steps: int = 400
    garments: int = 256
    """In a batch, two views of each: the first, and another."""
    head_rate: float = 1e-3
    network_rate: float = 6e-4
    weight_decay: float = 0.05
    dropout: float = 0.2
    temperature: float = 0.07
    search_temperature: float = 0.035
    spread_weight: float = 0.3
    steps_between_refreshes: int = 50
    """Of the first views' embeddings that are not in the batch."""
    seed: int = 0


def refine(embedder: GarmentEmbedder, views: Views, recipe: Refinement, device: torch.device) -> GarmentEmbedder:
    """The rate falls to nothing.

    Returns:
        The same embedder, on the CPU.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    embedder.eval().to(device, memory_format=torch.channels_last)
    classifier = nn.Linear(KIND_DIMENSION, len(KINDS)).to(device)
    kinds = torch.from_numpy(covered()[views.kinds]).to(device)
    groups = views_by_garment(views.garments)
    firsts = np.array([group[0] for group in groups])
    maps = _maps(embedder, views.pictures)
    heads = [*embedder.heads.parameters(), *classifier.parameters()]
    rates = [recipe.head_rate, recipe.network_rate]
    parameters = [{"params": heads}, {"params": list(embedder.last.parameters())}]
    optimiser = torch.optim.AdamW(parameters, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rates, total_steps=recipe.steps + 1, pct_start=0.1)
    losses = []
    for step, chosen in enumerate(islice(_batches(rng, len(groups), recipe.garments), recipe.steps)):
        if step % recipe.steps_between_refreshes == 0:
            targets = _embedded(embedder, maps[firsts])
        others = [rng.choice(groups[garment][1:]) for garment in chosen]
        rows = np.concatenate([others, firsts[chosen]])
        features = functional.dropout(embedder.pooled(maps[rows].to(device).float()), recipe.dropout)
        kind, instance = embedder.heads.parts(features)
        searching, found = embedder.heads.joined(kind, instance).chunk(2)
        targets[chosen] = found.detach()
        loss = (
            search_loss(searching, found, targets, torch.from_numpy(chosen).to(device), recipe.search_temperature)
            + pair_contrast(instance, recipe.temperature)
            + recipe.spread_weight * spread_loss(instance)
            + kind_contrast(kind, kinds[rows], recipe.temperature)
            + class_loss(classifier(kind) / recipe.temperature, kinds[rows])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        losses.append(loss.detach())
        if (step + 1) % 50 == 0:
            print(f"step {step + 1}/{recipe.steps}: loss {torch.stack(losses).mean():.3f}", flush=True)
            losses.clear()
    return embedder.cpu()


def search_loss(searching: Tensor, found: Tensor, targets: Tensor, chosen: Tensor, temperature: float) -> Tensor:
    """Cross entropy of what is searched for among all targets.

    Args:
        searching: (n, d) unit vectors.
        found: (n, d) unit vectors, for each what it is to find.
        targets: (garments, d) unit vectors.
        chosen: (n,) where those of ``found`` stand among the targets.

    Returns:
        A scalar.
    """
    similarity = searching @ targets.T
    similarity[:, chosen] = searching @ found.T  # through which the targets learn, too
    return functional.cross_entropy(similarity / temperature, chosen)


def spread_loss(embeddings: Tensor) -> Tensor:
    """How much less than evenly garments spread over the sphere (Zhang et al., "Learning spread-out local feature
    descriptors", ICCV 2017): 1 where they do. Rows i and i + n/2 of (n, d) unit vectors show one garment."""
    count, dimension = embeddings.shape
    similarity = embeddings @ embeddings.T
    garments = torch.arange(count, device=embeddings.device) % (count // 2)
    return dimension * similarity[garments[:, None] != garments].square().mean()


@torch.no_grad()
def _maps(embedder: GarmentEmbedder, pictures: Pictures) -> Tensor:
    """(n, 320, 7, 7) in half precision, on the CPU."""
    device = embedder.heads.mean.device
    maps = torch.empty(len(pictures), *_MAP, dtype=torch.half)
    for start in range(0, len(pictures), _PICTURES):
        batch = torch.from_numpy(pictures[start : start + _PICTURES]).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            maps[start : start + _PICTURES] = embedder.maps(batch).cpu()
        if start % 8192 == 0:
            print(f"layers before the last: {start} of {len(pictures)} pictures", flush=True)
    return maps


@torch.no_grad()
def _embedded(embedder: GarmentEmbedder, maps: Tensor) -> Tensor:
    device = embedder.heads.mean.device
    return torch.cat([embedder.heads(embedder.pooled(some.to(device).float())) for some in maps.split(_MAPS)])


def _batches(rng: np.random.Generator, garments: int, count: int) -> Iterator[NDArray[np.int64]]:
    """So many garments each; none again before all have come."""
    count = min(count, garments)
    while True:
        order = rng.permutation(garments)
        for start in range(0, garments - count + 1, count):
            yield order[start : start + count]

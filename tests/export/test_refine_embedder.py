import numpy as np
import pytest
import torch
from torch.nn import functional

from export import kinds
from export.embedder import GarmentEmbedder
from export.refine_embedder import Refinement, refine, search_loss, spread_loss
from export.train_embedder import Views


def unit(*shape: int) -> torch.Tensor:
    return functional.normalize(torch.randn(*shape), dim=-1)


def test_the_search_loss_is_low_where_each_is_nearest_to_its_target() -> None:
    torch.manual_seed(0)
    targets, chosen = unit(20, 32), torch.tensor([3, 7])
    own, others = targets[chosen], targets[chosen + 1]
    assert search_loss(own, own, targets, chosen, 0.1) < 0.1
    assert search_loss(others, own, targets, chosen, 0.1) > 5


def test_what_is_to_be_found_learns_from_the_search_too() -> None:
    torch.manual_seed(0)
    found = unit(2, 32).requires_grad_()
    search_loss(unit(2, 32), found, unit(20, 32), torch.tensor([3, 7]), 0.1).backward()
    assert found.grad is not None
    assert found.grad.abs().sum() > 0


def test_the_spread_loss_is_one_where_garments_lie_evenly_and_its_pairs_do_not_count() -> None:
    torch.manual_seed(0)
    garments = unit(400, 32)
    assert spread_loss(torch.cat([garments, garments])) == pytest.approx(1, abs=0.05)
    heap = functional.normalize(garments + 1, dim=1)
    assert spread_loss(torch.cat([heap, heap])) > 10


def test_other_views_come_nearest_to_their_garments_first_views() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    garments = np.repeat(np.arange(12), 3)
    tones = rng.integers(0, 200, (12, 4, 4, 3)).repeat(56, axis=1).repeat(56, axis=2)
    pictures = (tones[garments] + rng.integers(0, 40, (36, 224, 224, 3))).astype(np.uint8)
    pictures[1::3, :150] = pictures[2::3, 74:] = 255  # poor cutouts
    views = Views(pictures, garments, np.array([kinds.of_folder(("dress", "hat")[row % 2]) for row in garments]))
    untrained = GarmentEmbedder(kind_share=0.5).eval()
    frozen = untrained.tuned[0]._project_conv.weight.clone()

    def found(embedder: GarmentEmbedder) -> float:
        with torch.no_grad():
            vectors = embedder(torch.from_numpy(pictures))
        return float(((vectors[1::3] @ vectors[::3].T).argmax(1) == torch.arange(12)).float().mean())

    before = found(untrained)
    refined = refine(untrained, views, Refinement(steps=100, garments=12), torch.device("cpu"))
    assert before < 0.9 < found(refined)
    assert torch.equal(refined.tuned[0]._project_conv.weight, frozen)

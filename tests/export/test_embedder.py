import numpy as np
import pytest
import torch
from torch.nn import functional

from export.backbone import FEATURES
from export.evaluate_embedder import folder_scores
from export.garment_views import NO_FOLDER, cut_out
from export.train_embedder import Features, Recipe, folder_contrast, learn_projection, pair_contrast


def unit(rows: torch.Tensor) -> torch.Tensor:
    return functional.normalize(rows, dim=1)


def test_the_pair_loss_is_low_where_views_of_a_garment_agree() -> None:
    torch.manual_seed(0)
    garments = unit(torch.randn(8, 32))
    agree = pair_contrast(torch.cat([garments, garments]), 0.1)
    mixed = pair_contrast(torch.cat([garments, garments.roll(1, 0)]), 0.1)
    assert agree < 0.1 < mixed


def test_the_folder_loss_is_low_where_folders_lie_together() -> None:
    torch.manual_seed(0)
    centres = unit(torch.randn(3, 32))
    folders = torch.arange(12) % 3
    assert (
        folder_contrast(centres[folders], folders, 0.1) < folder_contrast(centres[folders.roll(1)], folders, 0.1) + 1e-6
    )
    assert folder_contrast(centres[folders], folders, 0.1) < folder_contrast(unit(torch.randn(12, 32)), folders, 0.1)


def test_learning_brings_views_of_one_garment_together() -> None:
    rng = np.random.default_rng(0)
    garments = np.repeat(np.arange(60), 3)
    values = rng.normal(0, 1, (60, FEATURES))[garments] + rng.normal(0, 1.5, (180, FEATURES))
    folders = np.where(garments < 40, garments % 4, NO_FOLDER)
    features = Features(values.astype(np.float32), garments, folders)
    projection = learn_projection(features, Recipe(epochs=15, batch=30))
    with torch.no_grad():
        vectors = unit(projection(torch.from_numpy(features.values)))
    nearest = (vectors @ vectors.T).fill_diagonal_(-1).argmax(1).numpy()
    assert (garments[nearest] == garments).mean() > 0.95


def test_precision_counts_the_first_five() -> None:
    gallery = np.eye(6, dtype=np.float32)
    names = np.array(["hat", "hat", "hat", "skirt", "skirt", "skirt"])
    query = np.array([[1, 0.9, 0.8, 0.7, 0.6, 0.1]], np.float32)
    result = folder_scores(query, np.array(["hat"]), gallery, names)
    assert result == {"precision_at_1": 1.0, "precision_at_5": pytest.approx(0.6), "mean_average_precision": 1.0}


def test_a_cutout_is_the_garment_centred_on_white() -> None:
    photo = np.full((60, 40, 3), 10, np.uint8)
    mask = np.zeros((60, 40), bool)
    mask[10:50, 5:15] = True
    picture = cut_out(photo, mask)
    assert picture.shape == (224, 224, 3)
    assert picture[112, 112].tolist() == [10, 10, 10]
    assert picture[112, 20].tolist() == [255, 255, 255]

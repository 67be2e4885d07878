import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from export import kinds
from export.augmentation import varied
from export.embedder import GarmentEmbedder
from export.garment_views import View, cut_out, on_another_street, query_photo, shop_cutout, training_views
from export.labels import LABELS
from export.onnx_files import write_onnx
from export.parsing import Parser
from export.photos import read_photo
from export.scenes import Scene
from export.train_embedder import Recipe, Views, class_loss, kind_contrast, pair_contrast, train


def unit(rows: torch.Tensor) -> torch.Tensor:
    return functional.normalize(rows, dim=1)


def test_the_pair_loss_is_low_where_views_of_a_garment_agree() -> None:
    torch.manual_seed(0)
    garments = unit(torch.randn(8, 32))
    agree = pair_contrast(torch.cat([garments, garments]), 0.1)
    mixed = pair_contrast(torch.cat([garments, garments.roll(1, 0)]), 0.1)
    assert agree < 0.1 < mixed


def one_hot(*numbers: int) -> torch.Tensor:
    return functional.one_hot(torch.tensor(numbers), 3).bool()


def test_the_kind_loss_is_low_where_kinds_lie_together() -> None:
    torch.manual_seed(0)
    centres = unit(torch.randn(3, 32))
    numbers = [index % 3 for index in range(12)]
    together = kind_contrast(centres[numbers], one_hot(*numbers), 0.1)
    assert together < kind_contrast(unit(torch.randn(12, 32)), one_hot(*numbers), 0.1)


def test_what_may_be_of_one_kind_neither_attracts_nor_repels() -> None:
    torch.manual_seed(0)
    embeddings = unit(torch.randn(5, 8)).requires_grad_()
    either = one_hot(0, 0, 1, 1, 0)
    either[4, 1] = True  # may be of kind 0 or 1
    kind_contrast(embeddings, either, 0.1).backward()
    assert embeddings.grad is not None
    assert embeddings.grad[:4].abs().sum() > 0
    assert embeddings.grad[4].abs().sum() == 0


def test_any_of_the_kinds_that_a_label_covers_is_right() -> None:
    guesses = torch.tensor([[9.0, 9.0, 0.0]])
    assert class_loss(guesses, torch.tensor([[True, True, False]])) < 0.01
    assert class_loss(guesses, torch.tensor([[True, False, False]])) == pytest.approx(np.log(2), abs=0.01)


def test_folders_are_single_kinds_and_labels_cover_their_folders() -> None:
    covered = kinds.covered()
    assert covered[kinds.of_folder("pants")].sum() == 1
    pants = covered[kinds.of_label("pants")]
    assert {kind for kind, may_be in zip(kinds.KINDS, pants, strict=True) if may_be} == {"pants", "shorts"}
    assert covered[kinds.of_label("bag")].sum() == 1
    assert covered.any(axis=1).all()


def test_learning_brings_views_of_one_garment_together_and_kinds_apart() -> None:
    rng = np.random.default_rng(0)
    garments = np.repeat(np.arange(8), 3)
    tones = rng.integers(0, 200, (8, 4, 4, 3)).repeat(56, axis=1).repeat(56, axis=2)
    pictures = (tones[garments] + rng.integers(0, 40, (24, 224, 224, 3))).astype(np.uint8)
    rows = np.array([kinds.of_folder(("dress", "hat")[garment % 2]) for garment in garments])
    recipe = Recipe(warm_up_steps=100, steps=1, garments=6)
    embedder = train(Views(pictures, garments, rows), recipe, torch.device("cpu"))
    with torch.no_grad():
        kind, instance = embedder.heads.parts(embedder.pooled(embedder.maps(torch.from_numpy(pictures))))
    nearest = (instance @ instance.T).fill_diagonal_(-1).argmax(1).numpy()
    assert (garments[nearest] == garments).mean() > 0.9
    nearest = (kind @ kind.T).fill_diagonal_(-1).argmax(1).numpy()
    assert (garments[nearest] % 2 == garments % 2).mean() > 0.9


def test_views_come_back_as_they_were_saved(tmp_path: Path) -> None:
    views = Views.collect(View(np.full((2, 2, 3), number, np.uint8), 10 + number, number) for number in range(3))
    views.save(tmp_path / "views.npz")
    again = Views.load(tmp_path / "views.npz")
    assert again.pictures[:, 0, 0, 0].tolist() == [0, 1, 2]
    assert again.garments.tolist() == [10, 11, 12]
    assert again.kinds.tolist() == [0, 1, 2]


def test_what_is_varied_differs_each_time_and_white_stays_white() -> None:
    torch.manual_seed(0)
    pictures = torch.full((16, 64, 64, 3), 255, dtype=torch.uint8)
    assert (varied(pictures) >= 254.9).all()
    pictures[:, 16:48, 16:48] = torch.tensor([200, 60, 20], dtype=torch.uint8)
    first, second = varied(pictures), varied(pictures)
    assert first.shape == pictures.shape
    assert first.min() >= -0.01
    assert first.max() <= 255.01
    assert (first - second).abs().flatten(1).mean(1).min() > 1
    inside = first[:, 28:36, 28:36].mean((1, 2))
    assert (inside[:, 0] > inside[:, 2]).float().mean() > 0.9


class Colours(nn.Module):
    """A parser that goes by colour alone."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weights = nn.Parameter(0.05 * torch.randn(3, len(LABELS)))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return ((image[:, ::4, ::4].float() - 128) @ self.weights).permute(0, 3, 1, 2)


def test_views_do_not_depend_on_the_number_of_processes(street: Path, tmp_path: Path) -> None:
    (tmp_path / "hat").mkdir()
    for number in range(3):
        shutil.copy(street / "photos" / f"{number + 1:04}.jpg", tmp_path / "hat")
    parser = tmp_path / "parser.onnx"
    write_onnx(Colours(), parser, "logits", 64, 48)
    one, two = (Views.collect(training_views(parser, street, tmp_path, processes)) for processes in (1, 2))
    assert set(one.garments[one.garments < 3]) == {0, 1, 2}
    assert (one.garments > 1_000_000).sum() > 30
    assert np.array_equal(one.pictures, two.pictures)
    assert np.array_equal(one.garments, two.garments)
    to_be_found = shop_cutout(Parser(parser), read_photo(tmp_path / "hat" / "0001.jpg"))
    assert np.array_equal(one.pictures[one.garments == 0][0], to_be_found)


def test_an_embedding_has_unit_length_and_its_distance_weighs_both_parts() -> None:
    torch.manual_seed(0)
    embedder = GarmentEmbedder(kind_share=0.3, pretrained=False).eval()
    pictures = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    with torch.no_grad():
        vectors = embedder(pictures)
        kind, instance = embedder.heads.parts(embedder.pooled(embedder.maps(pictures)))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    expected = 0.3 * kind[0] @ kind[1] + 0.7 * instance[0] @ instance[1]
    torch.testing.assert_close(vectors[0] @ vectors[1], expected)


def test_a_person_put_on_another_street_keeps_the_labels() -> None:
    labels = np.zeros((200, 120), np.uint8)
    labels[40:160, 40:80] = LABELS.index("dress")
    scene = Scene(np.full((200, 120, 3), 90, np.uint8), labels)
    moved = on_another_street(np.random.default_rng(0), scene, scene)
    assert moved.photo.shape[:2] == moved.labels.shape
    assert set(np.unique(moved.labels)) == {0, LABELS.index("dress")}


def test_a_query_photo_shows_the_person_dimmed_on_the_other_street() -> None:
    labels = np.zeros((200, 120), np.uint8)
    labels[40:160, 40:80] = LABELS.index("dress")
    person = Scene(np.where(labels[..., None] > 0, np.uint8(250), np.uint8(0)).repeat(3, axis=2), labels)
    street = Scene(np.full((150, 100, 3), 120, np.uint8), np.zeros((150, 100), np.uint8))
    for seed in range(5):
        query = query_photo(np.random.default_rng(seed), person, street)
        assert query.photo.shape == (150, 100, 3)
        dress = query.labels == LABELS.index("dress")
        assert 0.5 < np.ptp(np.flatnonzero(dress.any(axis=1))) / 150 <= 1
        assert 100 < query.photo[dress].mean() < 252
        assert query.photo[~dress].mean() < 125


def test_a_cutout_is_the_garment_centred_on_white() -> None:
    photo = np.full((60, 40, 3), 10, np.uint8)
    mask = np.zeros((60, 40), bool)
    mask[10:50, 5:15] = True
    picture = cut_out(photo, mask)
    assert picture.shape == (224, 224, 3)
    assert picture[112, 112].tolist() == [10, 10, 10]
    assert picture[112, 20].tolist() == [255, 255, 255]

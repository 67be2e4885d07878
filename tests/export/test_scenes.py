from pathlib import Path

import numpy as np
import pytest

from export.labels import IGNORED, LABELS
from export.photos import street_photos
from export.scenes import Scene, clothed_person, emptied, moved, on_canvas, pasted, photo_size, relit, some_subject
from serving.images import letterbox


@pytest.fixture
def scene(street: Path) -> Scene:
    return Scene(*street_photos(street, held_out=False)[0].read())


def test_a_pasted_person_covers_just_its_labels(scene: Scene) -> None:
    rng = np.random.default_rng(0)
    result = pasted(rng, scene, clothed_person(scene.labels), scene, (96, 72), turn=20.0)
    assert result.photo.shape == (96, 72, 3)
    assert set(np.unique(result.labels)) == set(np.unique(scene.labels))


def test_a_pasted_garment_comes_alone(scene: Scene) -> None:
    rng = np.random.default_rng(0)
    top = LABELS.index("top")
    result = pasted(rng, scene, scene.labels == top, scene, (96, 72), turn=0.0)
    assert set(np.unique(result.labels)) == {0, top}
    assert (result.labels == top).mean() > 0.1


def test_nothing_wanted_leaves_the_ground(scene: Scene) -> None:
    nothing = np.zeros(scene.labels.shape, bool)
    result = pasted(np.random.default_rng(0), scene, nothing, scene, (96, 72), turn=0.0)
    assert not result.labels.any()


def test_a_moved_photo_has_labels_only_where_it_is(scene: Scene) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        result = moved(rng, scene, (64, 48))
        assert set(np.unique(result.labels)) <= {*np.unique(scene.labels), IGNORED}


def test_the_same_seed_gives_the_same_picture(scene: Scene) -> None:
    def picture() -> Scene:
        rng = np.random.default_rng(5)
        wanted = some_subject(rng, scene.labels)
        result = pasted(rng, scene, wanted, scene, photo_size(rng, scene.labels, 96, 72), turn=3.0)
        return Scene(relit(rng, result.photo), result.labels)

    first, second = picture(), picture()
    assert np.array_equal(first.photo, second.photo)
    assert np.array_equal(first.labels, second.labels)


def test_the_canvas_is_the_one_that_is_served(scene: Scene) -> None:
    height, width = scene.labels.shape
    canvas = on_canvas(scene, height + 40, width)
    served, scale = letterbox(scene.photo, height + 40, width)
    assert scale == 1
    assert np.array_equal(canvas.photo, served)
    assert np.all(canvas.labels[height:] == IGNORED)


def test_an_emptied_photo_keeps_its_ground_and_loses_its_people() -> None:
    labels = np.zeros((96, 72), np.uint8)
    labels[20:80, 25:45] = LABELS.index("top")
    photo = np.where(labels[..., None] > 0, np.array([255, 0, 0], np.uint8), np.array([0, 120, 0], np.uint8))
    ground = emptied(Scene(photo, labels))
    assert ground.shape == photo.shape
    np.testing.assert_allclose(ground.reshape(-1, 3), np.tile([0, 120, 0], (96 * 72, 1)), atol=8)

"""The demo with the real services, on a small boutique and on somebody's own photos."""

import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from clothing_retrieval.catalog.boutique import draw_boutique
from clothing_retrieval.cli import main


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0


def test_the_demo_searches_the_boutique_and_saves_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    boutique = draw_boutique(tmp_path / "boutique", items=20, processes=1)

    run("demo", "--data-dir", str(tmp_path))
    out = capsys.readouterr().out

    page = (tmp_path / "index.html").read_text()
    assert "20 created" in out
    assert f"of {len(boutique.probes)} second shots found their item among the first 5" in out
    assert str(tmp_path / "index.html") in out
    assert page.count('<section class="search">') == len(boutique.probes)


def test_the_demo_takes_own_photos_and_is_quick_the_second_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos" / "dress"
    photos.mkdir(parents=True)
    random = np.random.default_rng(1)
    for number in range(6):
        PIL.Image.fromarray(random.integers(0, 256, (120, 90, 3), np.uint8)).save(photos / f"{number}.png")
    (photos / "broken.jpg").write_text("no picture")
    arguments = ("demo", "--photos", str(tmp_path / "photos"), "--data-dir", str(tmp_path / "demo"))

    run(*arguments)
    first = capsys.readouterr()
    run(*arguments)
    second = capsys.readouterr()

    page = (tmp_path / "demo" / "index.html").read_text()
    assert "6 created, 0 updated, 0 unchanged, 1 failed" in first.out
    assert "broken: " in first.err
    assert "6 unchanged" in second.out
    assert re.search(r"6 of 6 photos of the catalogue found themselves", second.out)
    assert "same item" not in page

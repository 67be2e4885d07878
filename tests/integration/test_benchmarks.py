"""The benchmarks run, and their baseline finds what the services find."""

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image, ImageDraw

from tests.engines import COLOURS, write_embedder, write_parser
from tests.servers import REPOSITORY


def draw(file: Path, *garments: str) -> None:
    picture = Image.new("RGB", (96, 128), COLOURS["background"])
    for place, garment in enumerate(garments):
        ImageDraw.Draw(picture).rectangle((20, 10 + 55 * place, 70, 55 + 55 * place), COLOURS[garment])
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, quality=95)


def test_the_pipeline_is_compared_with_the_same_models_in_one_process(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_parser(models)
    write_embedder(models)
    for garment in ("top", "dress", "pants"):
        draw(tmp_path / "catalogue" / garment / f"{garment}.jpg", garment)
    draw(tmp_path / "photos" / "two.jpg", "top", "pants")
    draw(tmp_path / "photos" / "none.jpg")
    environment = {f"{stage}_MODELS_DIR": str(models) for stage in ("SEGMENT", "EMBED")}
    figures = tmp_path / "figures.json"
    subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.pipeline", tmp_path / "photos", tmp_path / "catalogue"),
            *("--folder", tmp_path / "data", "--callers", "1", "2", "--rounds", "1", "--turn", "8"),
            *("--open", "0.2", "--open-seconds", "0.5", "--json", figures),
        ],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        check=True,
        timeout=100,
    )
    found = json.loads(figures.read_text())["figures"]
    assert set(found["closed"]) == {"1", "2"}
    assert found["closed"]["2"]["served"]["of"].keys() == {"in process", "bare gRPC", "served"}
    assert all(found["closed"]["2"]["served"]["of"].values())
    assert found["open"]["0.2"]["served"]["p99_ms"] > 0

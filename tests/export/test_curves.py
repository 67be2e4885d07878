import json
from pathlib import Path

import pytest
from PIL import Image

from export.curves import draw_curves, read_curves


def log_run(work_dir: Path, name: str, records: list[dict[str, float]]) -> None:
    folder = work_dir / name / "vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_text("".join(json.dumps(record) + "\n" for record in records))


def step(number: int, loss: float) -> dict[str, float]:
    return {"loss": loss, "lr": loss / 100, "iter": number, "step": number}


def validation(number: int, value: float) -> dict[str, float]:
    return {"parsing/mean_iou": value, "time": 0.1, "step": number}


def test_a_resumed_run_replaces_what_it_ran_again(tmp_path: Path) -> None:
    log_run(tmp_path, "20260102_000000", [step(40, 0.5), validation(0, 0.4)])
    log_run(tmp_path, "20260101_000000", [step(20, 2.0), step(40, 1.5), validation(0, 0.1), step(60, 1.4)])
    curves = read_curves(tmp_path)
    assert curves.loss == {20: 2.0, 40: 0.5}
    assert curves.rate == {20: 0.02, 40: 0.005}
    assert curves.validation == {"mean IoU": {40: 0.4}}


def test_a_validation_that_knows_its_step_keeps_it(tmp_path: Path) -> None:
    log_run(tmp_path, "1", [step(20, 1.0), validation(30, 0.2)])
    assert read_curves(tmp_path).validation == {"mean IoU": {30: 0.2}}


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        read_curves(tmp_path)


@pytest.mark.parametrize("records", [[step(20, 1.0), validation(0, 0.2)], [step(20, 1.0)]])
def test_curves_are_drawn_with_and_without_validations(tmp_path: Path, records: list[dict[str, float]]) -> None:
    log_run(tmp_path, "1", records)
    draw_curves(read_curves(tmp_path), tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert min(picture.size) > 400

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from export.export_parser import load_parser
from export.model_folder import FP32
from export.onnx_files import write_onnx
from export.parser_graphs import ParserGraph
from export.train_parser import load_config, train

CONFIGS = Path(__file__).parents[2] / "export" / "configs"
SIZE = {"height": 64, "width": 32}


def small_config(street: Path, work_dir: Path, steps: int) -> Config:
    config = load_config(CONFIGS / "parser_base.py", work_dir, street)
    config.model.data_preprocessor.size = tuple(SIZE.values())
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.batch_size, loader.num_workers = 2, 0
        loader.dataset.pipeline[0].update(SIZE)
    config.train_dataloader.persistent_workers = False
    config.train_cfg = {"type": "IterBasedTrainLoop", "max_iters": steps, "val_interval": steps}
    config.default_hooks.checkpoint.interval = 1
    return config


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("parser_[0-9]*.py")), ids=lambda file: file.stem)
def test_every_stage_has_a_config_that_builds(file: Path, street: Path, tmp_path: Path) -> None:
    config = load_config(file, tmp_path, street, shop=tmp_path / "shop", masks=tmp_path / "masks")
    assert config.train_dataloader.dataset.masks == str(tmp_path / "masks")
    assert config.train_dataloader.dataset.pipeline[0].height == config.model.data_preprocessor.size[0]


def test_training_runs_and_resumes(street: Path, tmp_path: Path) -> None:
    first = train(small_config(street, tmp_path, steps=2))
    second = train(small_config(street, tmp_path, steps=3), resume=True)
    assert (first.name, second.name) == ("iter_2.pth", "iter_3.pth")
    logs = [file.read_text() for file in tmp_path.rglob("*.log")]
    assert any("resumed epoch: 0, iter: 2" in log for log in logs)
    assert any("parsing/mean_iou" in log for log in logs)
    assert (tmp_path / "curves.png").stat().st_size > 0


def test_training_goes_on_from_a_model_folder(street: Path, tmp_path: Path) -> None:
    first = small_config(street, tmp_path / "first", steps=1)
    network = load_parser(first, train(first))
    write_onnx(ParserGraph(network), tmp_path / FP32, "logits", *SIZE.values())
    second = small_config(street, tmp_path / "second", steps=1)
    second.optim_wrapper.optimizer.lr = 0.0
    again = load_parser(small_config(street, tmp_path / "again", steps=1), train(second, start_from=tmp_path))
    picture = torch.randint(0, 256, (1, *SIZE.values(), 3), dtype=torch.uint8)
    with torch.no_grad():
        expected, found = (ParserGraph(each)(picture) for each in (network, again))
    assert torch.corrcoef(torch.stack([expected.flatten(), found.flatten()]))[0, 1] > 0.99


def test_a_checkpoint_loads_into_the_network_it_came_from(street: Path, tmp_path: Path) -> None:
    config = small_config(street, tmp_path, steps=1)
    model = load_parser(config, train(config))
    with torch.no_grad():
        logits = model.decode_head(model.backbone(torch.zeros(1, 3, 64, 32)))
    assert logits.shape == (1, 15, 16, 8)
    assert np.isfinite(logits.numpy()).all()

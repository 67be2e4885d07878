"""Requests that the API's own description allows, and many that it does not, find no fault in it."""

import subprocess
import sys
from pathlib import Path

from tests.fake_gateway import FakeGateway, picture
from tests.shop import opened
from tests.storefront.conftest import NO_LIMIT

CONFIG = Path(__file__).with_name("schemathesis.toml")


def test_schemathesis_finds_nothing(gateway: FakeGateway, tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(picture())
    with opened(gateway.target, compatible_folder=tmp_path, **NO_LIMIT) as address:
        schemathesis = Path(sys.executable).with_name("schemathesis")
        command = [schemathesis, "--config-file", CONFIG, "run", f"{address}/openapi.json"]
        limits = ["--max-examples", "15", "--phases", "examples,coverage,fuzzing", "--seed", "7", "--no-color"]
        run = subprocess.run(
            [*command, *limits], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Tested: 9" in run.stdout

import os
from pathlib import Path

import pytest

from serving.cpus import available_cpus

HOST = len(os.sched_getaffinity(0))


def cgroup(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [
        ("max 100000\n", HOST),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("150000 100000", 2),
        ("9900000 100000", HOST),
    ],
)
def test_the_quota_of_cgroup_v2_bounds_the_cpus(tmp_path: Path, quota: str, cpus: int) -> None:
    assert available_cpus(cgroup(tmp_path, cpu_dot_max=quota)) == min(cpus, HOST)


@pytest.mark.parametrize(("quota", "cpus"), [("-1\n", HOST), ("100000\n", 1), ("20000\n", 1)])
def test_the_quota_of_cgroup_v1_bounds_the_cpus(tmp_path: Path, quota: str, cpus: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert available_cpus(tmp_path) == cpus


@pytest.mark.parametrize("damage", ["", "garbage", "a b", "100000 0"])
def test_a_quota_that_cannot_be_read_bounds_nothing(tmp_path: Path, damage: str) -> None:
    assert available_cpus(cgroup(tmp_path, cpu_dot_max=damage)) == HOST


def test_without_a_cgroup_the_host_counts(tmp_path: Path) -> None:
    assert available_cpus(tmp_path / "nowhere") == HOST

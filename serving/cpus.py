"""How many CPUs this process may use: libraries ask the host, a container has less."""

import math
import os
from pathlib import Path


def available_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """CPUs by affinity, bounded by the cgroup's quota (v2 ``cpu.max``, v1 ``cpu.cfs_quota_us``); at least 1."""
    cpus = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return cpus if quota is None else max(1, min(cpus, math.ceil(quota)))


def _quota(cgroup: Path) -> float | None:
    try:
        quota, period = _quota_and_period(cgroup)
        return None if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_and_period(cgroup: Path) -> list[str]:
    v2 = cgroup / "cpu.max"
    if v2.exists():
        return v2.read_text().split()
    return [(cgroup / "cpu" / name).read_text().strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]

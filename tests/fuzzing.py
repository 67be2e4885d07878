"""Settings of tests that make up their input. FUZZ_FACTOR sets how many times as much they try (1)."""

import os

from hypothesis import HealthCheck, settings

_FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))


def tries(count: int) -> settings:
    """``count`` inputs, however long each takes; a fixture may be shared by all of them."""
    return settings(
        max_examples=count * _FACTOR,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )

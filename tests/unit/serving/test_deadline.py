import math

import pytest

from serving.deadline import NO_DEADLINE, Deadline
from serving.errors import DeadlineExceeded


class Context:
    def __init__(self, remaining: float | None) -> None:
        self._remaining = remaining

    def time_remaining(self) -> float | None:
        return self._remaining


@pytest.mark.parametrize(
    ("callers", "at_most", "expected"), [(None, 5, 5), (3, 5, 3), (8, 5, 5), (None, math.inf, math.inf)]
)
def test_the_sooner_of_the_callers_deadline_and_the_services_holds(
    callers: float | None, at_most: float, expected: float
) -> None:
    remaining = Deadline.of(Context(callers), at_most).remaining()  # type: ignore[arg-type]
    assert remaining == pytest.approx(expected, abs=0.5)


def test_a_deadline_that_passed_names_the_stage() -> None:
    with pytest.raises(DeadlineExceeded, match="embed"):
        Deadline.after(0).check("embed")
    Deadline.after(10).check("embed")
    NO_DEADLINE.check("embed")

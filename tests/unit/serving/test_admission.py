from collections.abc import Callable
from contextlib import ExitStack

import pytest

from serving import admission as module
from serving.admission import Admission
from serving.errors import Overloaded
from tests.samples import sample


def test_what_is_beyond_the_limit_is_refused_with_a_time_to_retry_after() -> None:
    admission = Admission("test", limit=2)
    with admission.enter(), admission.enter(), pytest.raises(Overloaded) as refused, admission.enter():
        pass
    assert refused.value.queue == "test"
    assert refused.value.retry_after_s >= 0.05


def test_places_are_free_again_after_success_and_after_failure() -> None:
    admission = Admission("test", limit=1)
    for _ in range(3):
        with admission.enter():
            pass
        with pytest.raises(ValueError, match="broke"), admission.enter():
            raise ValueError("broke")


def test_a_picture_is_the_only_one_where_no_other_was_admitted_of_either_priority() -> None:
    admission = Admission("test", limit=4)
    with admission.enter():
        assert admission.only_one()
        for background in (False, True):
            with admission.enter(background=background):
                assert not admission.only_one()
        assert admission.only_one()
    with admission.enter(2):
        assert not admission.only_one()


def test_a_refusal_takes_no_place() -> None:
    admission = Admission("test", limit=2)
    with admission.enter():
        with pytest.raises(Overloaded), admission.enter(2):
            pass
        with admission.enter():
            pass


def test_an_idle_worker_takes_more_at_once_than_its_limit() -> None:
    with Admission("test", limit=4).enter(64):
        pass


class Clock:
    """Stands still until a test moves it on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def admitted(enter: Callable[[], object], tries: int, stack: ExitStack) -> int:
    """How many of so many pieces of work are let in, and stay."""
    count = 0
    for _ in range(tries):
        try:
            stack.enter_context(enter())  # type: ignore[arg-type]
        except Overloaded:
            continue
        count += 1
    return count


def test_a_burst_may_fill_all_places_but_while_work_is_refused_only_few_wait(clock: Clock) -> None:
    admission = Admission("test", limit=8, steady=2)
    with ExitStack() as burst:
        assert admitted(admission.enter, 9, burst) == 8
    with ExitStack() as overload:
        assert admitted(admission.enter, 9, overload) == 2
        clock.now += 0.9
        assert admitted(admission.enter, 9, overload) == 0
    clock.now += 0.9
    with ExitStack() as overload:
        assert admitted(admission.enter, 1, overload) == 1
    clock.now += 0.2
    with ExitStack() as calm:
        assert admitted(admission.enter, 8, calm) == 8


def test_background_work_takes_no_place_of_other_work_and_its_refusal_is_no_overload(clock: Clock) -> None:
    admission = Admission("told", limit=8, steady=2)

    def told() -> list[float]:
        return [sample("clothing_admitted", stage="told", priority=each) for each in ("urgent", "background")]

    with ExitStack() as stack:
        assert admitted(lambda: admission.enter(background=True), 9, stack) == 4
        assert admitted(admission.enter, 8, stack) == 8
        assert told() == [8, 4]
    assert told() == [0, 0]


def test_one_piece_of_background_work_is_always_let_in() -> None:
    with Admission("test", limit=1).enter(background=True):
        pass

import pytest

from serving.admission import Admission
from serving.errors import Overloaded


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

import gc

from serving.memory import set_aside_what_stays


def test_what_stays_is_no_longer_looked_through() -> None:
    before = gc.get_freeze_count()
    held = [[number] for number in range(10_000)]
    set_aside_what_stays()
    try:
        assert gc.get_freeze_count() >= before + len(held)
        assert len(gc.get_objects()) < len(held)
    finally:
        gc.unfreeze()

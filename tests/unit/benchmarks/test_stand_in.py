import time

import numpy as np

from benchmarks.stand_in import SleepingEngine, load
from segment_service.settings import Settings


def test_the_engine_takes_its_time_and_finds_no_garment() -> None:
    loaded = load(Settings(), service_s=0.05)
    size = loaded.model.manifest.input
    (engine,) = loaded.engines
    began = time.perf_counter()
    logits = engine.run(np.zeros((2, size.height, size.width, 3), np.uint8))
    assert time.perf_counter() - began >= 0.05
    assert logits.shape[:2] == (2, len(loaded.model.manifest.labels))
    assert loaded.model.manifest.labels[0] not in loaded.model.manifest.garments
    assert not logits.argmax(axis=1).any()


def test_the_engine_uses_no_cpu() -> None:
    engine = SleepingEngine(0.1, labels=15)
    used = time.thread_time()
    engine.run(np.zeros((1, 512, 384, 3), np.uint8))
    assert time.thread_time() - used < 0.05

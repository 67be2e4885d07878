import gc
import os
import subprocess
import sys

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


def test_a_process_starts_once_more_to_have_large_pages_and_keeps_its_arguments() -> None:
    code = (
        "import os, sys; print(len(sys.argv)); from serving.memory import use_large_pages; use_large_pages(); "
        "print(os.environ['GLIBC_TUNABLES'], sys.argv[1])"
    )
    bare = {name: value for name, value in os.environ.items() if name != "GLIBC_TUNABLES"}
    command = [sys.executable, "-u", "-c", code, "argument"]
    run = subprocess.run(command, env=bare, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["2", "2", "glibc.malloc.hugetlb=1 argument"]
    run = subprocess.run(command, env={**bare, "GLIBC_TUNABLES": ""}, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["2", " argument"]

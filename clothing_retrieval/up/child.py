"""Runs a service's module so that it never outlives the process that started it.

On Linux the kernel kills it the moment its parent is gone (PR_SET_PDEATHSIG), even where it hangs or holds Python's
lock, as a thread that watches a pipe could not. The child asks for that itself, after exec: a ``preexec_fn`` may
deadlock in a parent with threads, and gRPC has some. It is SIGKILL, for nobody is left to wait for a clean end, and
every service must bear it anyway. The kernel means the *thread* that started the child: ``Stack`` belongs into one
that lives as long as the services, such as the main one.

    python -m clothing_retrieval.up.child MODULE PARENT_PID
"""

import ctypes
import os
import runpy
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Ends this process when its parent, which has this id, is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it was gone before
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    module, parent = sys.argv[1], int(sys.argv[2])
    die_with(parent)
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

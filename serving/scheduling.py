"""What this process gets of the CPUs where others want them, too: how much, and how long at a time."""

import contextlib
import ctypes
import os
import platform
import struct
from pathlib import Path

_CALL = {"x86_64": 314, "aarch64": 274}.get(platform.machine())  # sched_setattr, which glibc wraps since 2.41 only
_ATTRIBUTES = "IIQiIQQQ"  # struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period
_SHORT_NS = 100_000  # the shortest that there is
_NICENESS = 5  # a third of what others get


def ask_for_short_slices() -> None:
    """Gives this thread, and those that it starts from now on, shorter time slices, each of which comes sooner.

    Their share stays the same. It is for what works for a millisecond at a time and is waited for. A wish: it needs
    Linux 6.12, and changes nothing elsewhere (EEVDF, ``sched_runtime`` in sched_setattr(2)).
    """
    _ask_for(_SHORT_NS)


def ask_for_usual_slices() -> None:
    """Takes ``ask_for_short_slices`` back for this thread: for one that computes for long."""
    _ask_for(0)


def give_way() -> None:
    """Makes this thread, and those that it starts from now on, nice to other processes.

    It is for the first of several stages on the same CPUs: what was begun is finished before more is begun.
    """
    os.nice(_NICENESS)
    # Linux mostly shares CPUs out among sessions first (autogroups, sched(7)), in which niceness counts inside only.
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # a kernel without autogroups
            Path("/proc/self/autogroup").write_text(str(_NICENESS))


def _ask_for(slice_ns: int) -> None:
    if _CALL is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    size = struct.calcsize(_ATTRIBUTES)
    attributes = struct.pack(_ATTRIBUTES, size, os.SCHED_OTHER, 0, nice, 0, slice_ns, 0, 0)
    # What it returns is not looked at: a sandbox that forbids it costs no more than the wish.
    ctypes.CDLL(None).syscall(_CALL, 0, attributes, 0)

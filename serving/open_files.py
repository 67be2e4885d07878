"""The limit on open files, of which every connection is one."""

import resource

_RESERVED = 256
"""For files, for the connections to other services, and for health."""


def raise_limit() -> None:
    """To what the system allows: the usual 1,024 is for programs that still call select()."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def room_for_connections(wanted: int) -> int:
    """As many as are wanted, or as leave some files for all else."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if limit == resource.RLIM_INFINITY else max(1, min(wanted, limit - _RESERVED))

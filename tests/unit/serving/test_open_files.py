import resource
from collections.abc import Iterator

import pytest

from serving.open_files import raise_limit, room_for_connections


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_is_raised_to_what_the_system_allows() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, most))
    raise_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)


@pytest.mark.parametrize(("limit", "wanted", "room"), [(1024, 16_000, 768), (1024, 100, 100), (200, 100, 1)])
def test_connections_leave_files_for_all_else(limit: int, wanted: int, room: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
    assert room_for_connections(wanted) == room

"""One of two gateways stopped: the client library gives it up, and asks the other."""

import signal
from pathlib import Path

from tests.replicas import calling, deployed, row


async def test_one_of_two_gateways_that_is_stopped_fails_no_search(tmp_path: Path) -> None:
    async with deployed(tmp_path, {"gateway": 2}) as deployment:
        stopped = deployment.replicas["gateway"][0].process
        async with calling(deployment.target("gateway"), 2, timeout_s=30) as callers:
            await callers.more(20)
            since = len(callers.calls)
            stopped.send(signal.SIGSTOP)
            await callers.more(100)
            longest_s = callers.longest_s(since)
            stopped.send(signal.SIGCONT)
            await callers.more(20)
    assert [str(error) for error in callers.failures] == []
    assert 1 < longest_s < 25  # it was called, and the other answered before the 30 s of a search
    row("one of two gateways, stopped", f"no failure; the slowest search took {longest_s:.1f} s", "")

"""Serves the storefront until SIGTERM."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Iterator

import uvicorn

from clothing_retrieval.cli.stop import Stop
from storefront import chat
from storefront.app import create_app
from storefront.connection import open_client
from storefront.protocol import patient_for
from storefront.settings import Settings, SettingsError, read

log = logging.getLogger("storefront")


class _Server(uvicorn.Server):
    """Ends by itself on SIGTERM and Ctrl-C, where uvicorn would end the process by the same signal after that."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def main() -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)-7s %(name)s  %(message)s", datefmt="%H:%M:%S")
    try:
        settings = read()
        logging.getLogger().setLevel(settings.log_level)
        return asyncio.run(_serve(settings))
    except (SettingsError, Stop) as error:
        log.error("cannot start: %s", error)
        return 1


async def _serve(settings: Settings) -> int:
    async with open_client(settings) as client:
        host, port = settings.address
        server = _Server(
            uvicorn.Config(
                create_app(settings, client, chat.routers(client)),
                host=host,
                port=port,
                http=patient_for(settings.head_timeout_s, settings.download_timeout_s),
                ws="none",
                log_config=None,
                proxy_headers=False,  # the app does, for the proxies that the settings name
                server_header=False,
                limit_concurrency=settings.connections,
                timeout_graceful_shutdown=round(settings.grace_s),
            )
        )
        await server.serve()
        return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())

import asyncio
from typing import NoReturn

from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.server import leave, run


def main() -> NoReturn:
    settings = Settings()
    leave(asyncio.run(run(settings, GatewayWorker(settings))))


if __name__ == "__main__":
    main()

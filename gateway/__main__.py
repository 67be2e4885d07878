import asyncio
import sys

from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.server import run


def main() -> int:
    settings = Settings()
    return asyncio.run(run(settings, GatewayWorker(settings)))


if __name__ == "__main__":
    sys.exit(main())

import asyncio
import sys

from embed_service.settings import Settings
from embed_service.worker import EmbedWorker
from serving.server import run


def main() -> int:
    settings = Settings()
    return asyncio.run(run(settings, EmbedWorker(settings)))


if __name__ == "__main__":
    sys.exit(main())

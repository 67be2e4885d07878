import asyncio
from typing import NoReturn

from embed_service.settings import Settings
from embed_service.worker import EmbedWorker
from serving.server import leave, run


def main() -> NoReturn:
    settings = Settings()
    leave(asyncio.run(run(settings, EmbedWorker(settings))))


if __name__ == "__main__":
    main()

import asyncio
import sys

from search_service.settings import Settings
from search_service.worker import SearchWorker
from serving.server import run


def main() -> int:
    settings = Settings()
    return asyncio.run(run(settings, SearchWorker(settings)))


if __name__ == "__main__":
    sys.exit(main())

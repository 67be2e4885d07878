import asyncio
import sys

from segment_service.settings import Settings
from segment_service.worker import SegmentWorker
from serving.server import run


def main() -> int:
    settings = Settings()
    return asyncio.run(run(settings, SegmentWorker(settings)))


if __name__ == "__main__":
    sys.exit(main())

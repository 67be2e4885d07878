import asyncio
from typing import NoReturn

from segment_service.settings import Settings
from segment_service.worker import SegmentWorker
from serving.server import leave, run


def main() -> NoReturn:
    settings = Settings()
    leave(asyncio.run(run(settings, SegmentWorker(settings))))


if __name__ == "__main__":
    main()

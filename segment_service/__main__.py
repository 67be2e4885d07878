from typing import NoReturn

from segment_service.settings import Settings
from segment_service.worker import SegmentWorker
from serving.server import serve


def main() -> NoReturn:
    serve(Settings, SegmentWorker)


if __name__ == "__main__":
    main()

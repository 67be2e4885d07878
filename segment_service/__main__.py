from typing import NoReturn

from serving.memory import use_large_pages


def main() -> NoReturn:
    use_large_pages()
    from segment_service.settings import Settings
    from segment_service.worker import SegmentWorker
    from serving.scheduling import give_way
    from serving.server import serve

    give_way()
    serve(Settings, SegmentWorker)


if __name__ == "__main__":
    main()

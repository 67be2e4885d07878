import os
from typing import NoReturn

from serving.memory import use_large_pages
from serving.scheduling import ask_for_short_slices


def main() -> NoReturn:
    use_large_pages()
    ask_for_short_slices()
    # Read when numpy is imported. Calls run side by side: one thread for each is faster than several for one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Read when grpc is imported. The children that save graphs never call it.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    from search_service.settings import Settings
    from search_service.worker import SearchWorker
    from serving.server import serve

    serve(Settings, SearchWorker)


if __name__ == "__main__":
    main()

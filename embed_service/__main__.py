from typing import NoReturn

from embed_service.settings import Settings
from embed_service.worker import EmbedWorker
from serving.server import serve


def main() -> NoReturn:
    serve(Settings, EmbedWorker)


if __name__ == "__main__":
    main()

import sys

from embed_service.settings import Settings
from embed_service.worker import EmbedWorker
from serving.server import serve


def main() -> int:
    return serve(Settings, EmbedWorker)


if __name__ == "__main__":
    sys.exit(main())

from typing import NoReturn

from serving.memory import use_large_pages


def main() -> NoReturn:
    use_large_pages()
    from embed_service.settings import Settings
    from embed_service.worker import EmbedWorker
    from serving.server import serve

    serve(Settings, EmbedWorker)


if __name__ == "__main__":
    main()

from typing import NoReturn

from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.scheduling import ask_for_short_slices
from serving.server import serve


def main() -> NoReturn:
    ask_for_short_slices()
    serve(Settings, GatewayWorker)


if __name__ == "__main__":
    main()

from typing import NoReturn

from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.scheduling import take_turns_early
from serving.server import serve


def main() -> NoReturn:
    take_turns_early()
    serve(Settings, GatewayWorker)


if __name__ == "__main__":
    main()

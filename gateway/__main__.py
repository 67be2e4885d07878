from typing import NoReturn

from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.server import serve


def main() -> NoReturn:
    serve(Settings, GatewayWorker)


if __name__ == "__main__":
    main()

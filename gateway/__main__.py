import sys

from gateway.settings import Settings
from gateway.worker import GatewayWorker
from serving.server import serve


def main() -> int:
    return serve(Settings, GatewayWorker)


if __name__ == "__main__":
    sys.exit(main())

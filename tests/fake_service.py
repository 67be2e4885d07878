"""A service that does nothing but tell its health, or fails as FAKE_MODE says: crash, deaf or well."""

import os
import signal
import sys
import threading
from concurrent import futures

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer


def main() -> None:
    mode = os.environ["FAKE_MODE"]
    print("loading", flush=True)
    if mode == "crash":
        print("no model in /models: train one first", file=sys.stderr, flush=True)
        sys.exit(3)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN if mode == "deaf" else lambda *_: stop.set())
    health = HealthServicer()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    server.add_insecure_port(os.environ["FAKE_LISTEN"])
    health.set("", health_pb2.HealthCheckResponse.SERVING)
    server.start()
    print("serving", flush=True)
    stop.wait()
    server.stop(None).wait()


if __name__ == "__main__":
    main()

"""Server reflection that knows methods too.

ghz asks for the file that contains a *method*; Python's descriptor pool finds files by service and message only
(bojand/ghz#419, grpc/grpc#34743).
"""

from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection


class MethodAwarePool:
    """The default descriptor pool, whose symbols include ``package.Service.Method``."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        """Raises KeyError where nothing has that name."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service_name, _, method = symbol.rpartition(".")
            service = self._pool.FindServiceByName(service_name)
            return service.methods_by_name[method].containing_service.file


def enable(server: Any, services: tuple[str, ...]) -> None:
    names = (*services, "grpc.health.v1.Health", reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server, pool=MethodAwarePool())

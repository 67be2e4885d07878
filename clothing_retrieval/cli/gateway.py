"""What every command that calls a gateway has: where it is, the key, TLS, and what to say when it fails."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, TypeVar

import grpc
import typer

from clothing_retrieval import calls, errors
from clothing_retrieval.async_client import AsyncClient
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.client import Client

T = TypeVar("T")

Target = Annotated[
    str,
    typer.Option(envvar="CLOTHING_RETRIEVAL_TARGET", metavar="HOST:PORT", help="The gateway. Also: unix:/path."),
]
ApiKey = Annotated[
    str | None, typer.Option(envvar="CLOTHING_RETRIEVAL_API_KEY", metavar="KEY", help="Where the gateway wants one.")
]
Collection = Annotated[str, typer.Option(metavar="NAME", help="Collection of the catalogue, by name or alias.")]

DEFAULT_TARGET = calls.DEFAULT_TARGET
DEFAULT_COLLECTION = "default"

CREDENTIALS: ContextVar[grpc.ChannelCredentials | None] = ContextVar("credentials", default=None)
"""For TLS, as the options before the command say; None: without."""

_PROMPTLY_S = 1.0
_PATIENTLY_S = 10.0


@contextmanager
def connected(target: str, api_key: str | None) -> Iterator[Client]:
    """A client whose errors end the command with a sentence."""
    with explained(target), Client(target, api_key=api_key, credentials=CREDENTIALS.get()) as client:
        yield client


def async_client(target: str, api_key: str | None) -> AsyncClient:
    """A client whose errors are the caller's to explain."""
    return AsyncClient(target, api_key=api_key, credentials=CREDENTIALS.get())


@contextmanager
def explained(target: str) -> Iterator[None]:
    """Turns the errors of calls to a gateway into Stop."""
    try:
        yield
    except errors.RetrievalError as error:
        raise Stop(explain(error, target)) from error


async def wait_until_ready(client: AsyncClient) -> None:
    """Gives a gateway that is just starting some time. Raises Unavailable where that is not enough."""
    try:
        await client.wait_ready(_PROMPTLY_S)
    except errors.Unavailable:
        typer.echo(f"Waiting for the gateway at {client.target} …", err=True)
        await client.wait_ready(_PATIENTLY_S)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs to the end. Ctrl-C and SIGTERM cancel it, so that it can put things in order, and end the command."""

    async def cancelled_by_sigterm() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(cancelled_by_sigterm())
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(128 + signal.SIGINT) from None
    except asyncio.CancelledError:
        typer.echo("stopped", err=True)
        raise typer.Exit(128 + signal.SIGTERM) from None


def explain(error: errors.RetrievalError, target: str) -> str:
    """What went wrong, and what to do next, in a line."""
    match error:
        case errors.Unavailable(service=""):
            return (
                f"no gateway answers at {target}: start one with `clothing-retrieval up`, or name another with --target"
            )
        case errors.Unavailable() | errors.ResourceExhausted() | errors.Aborted():
            return f"{error}: try again in a moment"
        case errors.DeadlineExceeded():
            return f"no answer in time ({error}): try again, or look at how busy the gateway is"
        case errors.Unauthenticated():
            return f"{error}: give --api-key, or set CLOTHING_RETRIEVAL_API_KEY"
        case errors.PermissionDenied():
            return f"{error}: use a key that has this right"
        case errors.NotFound(kind="collection"):
            return f"{error}: `clothing-retrieval collections list` shows those that do, `import` makes one"
        case errors.NotFound(kind="item"):
            return f"{error}: `clothing-retrieval items list` shows those that do"
        case errors.Unimplemented():
            return f"{target} does not know this call ({error}): is it a gateway, and of this version?"
        case errors.Internal():
            return f"{error} (request id {error.request_id or 'unknown'}): look it up in the services' logs"
        case _:
            return str(error)

"""``up``, ``serve``, ``restore`` and ``probe``: the services themselves."""

import asyncio
import contextlib
import json as jsonlib
import os
import signal
import subprocess
import sys
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console

from clothing_retrieval import calls
from clothing_retrieval.cli.gateway import CREDENTIALS, DEFAULT_TARGET, run
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.up import Options, Stack, UpError
from clothing_retrieval.up.logs import to_files, to_terminal
from clothing_retrieval.up.stack import SERVICES, require_serving_parts


class ServiceName(StrEnum):
    SEGMENT = "segment"
    EMBED = "embed"
    SEARCH = "search"
    GATEWAY = "gateway"
    STOREFRONT = "storefront"


_STOREFRONT_NEEDS = ("fastapi", "multipart", "pydantic_settings", "uvicorn")


def up(
    data_dir: Annotated[Path, typer.Option(help="Where the catalogue is kept.", file_okay=False)] = Path("data"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the gateway, on this machine only.")] = 50050,
    log_dir: Annotated[
        Path | None, typer.Option(help="Write the services' logs to files here, not to the terminal.", file_okay=False)
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65532, help="For Prometheus: gateway here, segment, embed, search at the next three."),
    ] = None,
) -> None:
    """Run the four services on this machine, until Ctrl-C."""
    console = Console(stderr=True, highlight=False)
    options = Options(data_dir, port, metrics_port)
    try:
        with to_files(log_dir) if log_dir else contextlib.nullcontext(to_terminal(console)) as write_log:
            stack = Stack(options, write_log, lambda line: console.print(line, markup=False, soft_wrap=True))
            run(_run_until_stopped(stack))
    except UpError as error:
        raise Stop(str(error)) from error


async def _run_until_stopped(stack: Stack) -> None:
    stopping = asyncio.Event()

    def on_signal() -> None:
        if stopping.is_set():
            stack.kill()  # asked twice: no grace
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    async with stack:
        work = asyncio.create_task(_serve(stack))
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if work.done():
            work.result()
        work.cancel()


async def _serve(stack: Stack) -> None:
    await stack.ready()
    typer.echo(f"ready on {stack.target}")
    await stack.until_broken()


def serve(service: Annotated[ServiceName, typer.Argument(metavar="|".join(ServiceName))]) -> None:
    """Run one service, as containers do. Its settings are environment variables: SEGMENT_LISTEN and so on."""
    if service is ServiceName.STOREFRONT:
        _require_storefront_parts()
    else:
        _require_serving_parts()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", SERVICES.get(service.value, service.value)])


def restore(
    backup: Annotated[Path, typer.Argument(help="A folder that CreateBackup made.", exists=True, file_okay=False)],
    data_dir: Annotated[
        Path,
        typer.Argument(help="The search service's: SEARCH_DATA_DIR, or `search` in the data folder of `up`."),
    ],
) -> None:
    """Make a data folder of a backup, before the search service is started on it."""
    run_part("search_service.restore", str(backup), str(data_dir))


def run_part(module: str, *arguments: str) -> None:
    """Runs a program of the servers, which says itself what failed.

    In a process of its own, as `serve` does: what a caller installs imports nothing of the servers.
    """
    _require_serving_parts()
    if subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode:
        raise Stop


def _require_serving_parts() -> None:
    try:
        require_serving_parts()
    except UpError as error:
        raise Stop(str(error)) from error


def _require_storefront_parts() -> None:
    if missing := [name for name in _STOREFRONT_NEEDS if find_spec(name) is None]:
        raise Stop(
            f"the storefront needs more than the client ({', '.join(missing)}): "
            "`pip install 'clothing-retrieval[storefront]'`"
        )


def probe(
    target: Annotated[str, typer.Argument(metavar="HOST:PORT")] = DEFAULT_TARGET,
    service: Annotated[str, typer.Option(help="Full name of one gRPC service. Empty: all of the server.")] = "",
    timeout: Annotated[float, typer.Option(min=0, help="In seconds.")] = 2.0,
    server_name: Annotated[
        str,
        typer.Option(
            envvar="CLOTHING_RETRIEVAL_SERVER_NAME",
            metavar="NAME",
            help="With TLS: what its certificate is for, where that is not HOST.",
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Ask a service for its health: exit code 0 when it serves."""
    more = [("grpc.ssl_target_name_override", server_name)] if server_name else []
    with calls.channel(target, CREDENTIALS.get(), *more) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout
            )
        except grpc.RpcError as error:
            raise Stop(f"{target} does not answer: {error.details()}") from error
    state = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    typer.echo(jsonlib.dumps({"target": target, "service": service, "status": state}) if json else state)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise Stop

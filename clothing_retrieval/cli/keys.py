"""``keys``: who may call a gateway."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from clothing_retrieval.cli.examples import examples
from clothing_retrieval.cli.running import run_part

keys = typer.Typer(
    help="Who may call a gateway: its file of API keys, GATEWAY_KEYS_FILE. Gateways notice changes within a second.",
    no_args_is_help=True,
)

File = Annotated[
    Path, typer.Option("--file", envvar="GATEWAY_KEYS_FILE", dir_okay=False, help="The gateway's file of keys.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the key, as it stands in logs: who it is for.")]


class Right(StrEnum):
    SEARCH = "search"
    MANAGE = "manage"


@keys.command(
    "add",
    epilog=examples(
        "clothing-retrieval keys add web --right search --calls-per-s 50 --file keys.json",
        "clothing-retrieval keys add catalogue --right manage --file keys.json",
    ),
)
def add(
    name: Name,
    file: File,
    right: Annotated[
        list[Right], typer.Option(help="search: search and look. manage: import and delete, too. May be repeated.")
    ],
    calls_per_s: Annotated[
        float | None, typer.Option(help="Most calls a second, by each gateway, with bursts of a second's worth.")
    ] = None,
    concurrent_calls: Annotated[int | None, typer.Option(help="Most calls at a time, by each gateway.")] = None,
) -> None:
    """Make a key and print it. It is stored nowhere: keep it well."""
    arguments = ["add", name, *(f"--right={each.value}" for each in right)]
    if calls_per_s is not None:
        arguments.append(f"--calls-per-s={calls_per_s}")
    if concurrent_calls is not None:
        arguments.append(f"--concurrent-calls={concurrent_calls}")
    _run(file, *arguments)


@keys.command("list")
def list_(file: File, json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Show the keys' names, rights and limits."""
    _run(file, "list", *(["--json"] if json else []))


@keys.command("revoke")
def revoke(name: Name, file: File) -> None:
    """Remove a key. Calls that are in flight end as usual."""
    _run(file, "revoke", name)


def _run(file: Path, *arguments: str) -> None:
    run_part("gateway.keys_command", f"--file={file}", *arguments)

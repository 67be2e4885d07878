"""``clothing-retrieval keys``: makes, shows and revokes the keys in a file."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gateway.keys import Key, KeyFile, KeysError, Right


def main() -> int:
    arguments = _parse()
    file = KeyFile(arguments.file)
    try:
        match arguments.command:
            case "add":
                rights = frozenset(map(Right, arguments.right))
                print(file.add(arguments.name, rights, arguments.calls_per_s, arguments.concurrent_calls))  # noqa: T201
            case "list":
                _show(file.read(), as_json=arguments.json)
            case "revoke":
                file.revoke(arguments.name)
    except KeysError as error:
        print(f"clothing-retrieval: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _show(keys: Sequence[Key], *, as_json: bool) -> None:
    if as_json:
        for key in keys:
            print(json.dumps(key.model_dump(mode="json", exclude={"sha256"})))  # noqa: T201
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "rights", "calls/s", "at a time", "added"):
        table.add_column(heading, justify="right" if heading in ("calls/s", "at a time") else "left")
    for key in keys:
        table.add_row(*_row(key))
    Console().print(table)


def _row(key: Key) -> list[str]:
    rate = "any" if key.calls_per_s is None else f"{key.calls_per_s:g}"
    return [key.name, ", ".join(sorted(key.rights)), rate, str(key.concurrent_calls or "any"), f"{key.added}"]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="clothing-retrieval keys")
    parser.add_argument("--file", type=Path, required=True)
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("name")
    add.add_argument("--right", action="append", choices=list(Right), required=True)
    add.add_argument("--calls-per-s", type=float)
    add.add_argument("--concurrent-calls", type=int)
    commands.add_parser("list").add_argument("--json", action="store_true")
    commands.add_parser("revoke").add_argument("name")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

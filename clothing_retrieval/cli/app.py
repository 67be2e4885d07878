"""The commands together, and what happens when one of them fails."""

import sys
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated

import PIL.Image
import typer

from clothing_retrieval.cli import (
    catalogue,
    copying,
    demonstrating,
    evaluating,
    importing,
    keys,
    models,
    running,
    searching,
)
from clothing_retrieval.cli.examples import examples
from clothing_retrieval.cli.gateway import CREDENTIALS
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.cli.tls import credentials

app = typer.Typer(
    help="Finds a catalogue's items in a photo of clothing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "clothing-retrieval up",
        "clothing-retrieval import photos/ --collection shop",
        "clothing-retrieval search street.jpg --collection shop --save found.html",
    ),
)
app.command("up", epilog=examples("clothing-retrieval up --data-dir data --log-dir logs"))(running.up)
app.command(
    "import",
    epilog=examples(
        "clothing-retrieval import photos/ --dry-run",
        "clothing-retrieval import photos/ --collection shop",
        "clothing-retrieval import https://shop.example/feed.xml --prune --yes --report report.json",
    ),
)(importing.import_)
app.command(
    "search",
    epilog=examples(
        "clothing-retrieval search street.jpg --save found.html",
        "clothing-retrieval search *.jpg --category dress --top-k 10 --json",
    ),
)(searching.search)
app.command(
    "evaluate",
    epilog=examples(
        "clothing-retrieval evaluate validation/ --collection shop",
        "clothing-retrieval evaluate pairs.csv --variants --html page.html --json-file figures.json",
    ),
)(evaluating.evaluate_)
app.command("demo")(demonstrating.demo)
app.command(
    "serve",
    epilog=examples("SEGMENT_LISTEN=127.0.0.1:50051 clothing-retrieval serve segment"),
)(running.serve)
app.command("restore", epilog=examples("clothing-retrieval restore backups/20261125T174500.000000Z data/search"))(
    running.restore
)
app.command(
    "probe",
    epilog=examples(
        "clothing-retrieval probe 127.0.0.1:50050",
        "clothing-retrieval --tls-ca ca.pem probe 127.0.0.1:50050 --service liveness --server-name segment",
    ),
)(running.probe)
catalogue.collections.command("copy")(copying.copy)
app.add_typer(catalogue.items, name="items")
app.add_typer(catalogue.collections, name="collections")
app.add_typer(models.models, name="models")
app.add_typer(keys.keys, name="keys")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"clothing-retrieval {metadata.version('clothing-retrieval')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    tls: Annotated[
        bool,
        typer.Option("--tls", envvar="CLOTHING_RETRIEVAL_TLS", help="Call by TLS, trusting well-known authorities."),
    ] = False,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            envvar="CLOTHING_RETRIEVAL_TLS_CA", dir_okay=False, help="Call by TLS, trusting those in this PEM."
        ),
    ] = None,
    tls_certificate: Annotated[
        Path | None,
        typer.Option(envvar="CLOTHING_RETRIEVAL_TLS_CERTIFICATE", dir_okay=False, help="PEM file to be known by."),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(envvar="CLOTHING_RETRIEVAL_TLS_KEY", dir_okay=False, help="PEM file of its key.")
    ] = None,
) -> None:
    if tls or tls_ca or tls_certificate or tls_key:
        CREDENTIALS.set(credentials(tls_ca, tls_certificate, tls_key))


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line.

    Exits with 0, 1 after an error that the command explained, 2 after wrong usage, or 3 where all was done except for
    some items.
    """
    warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # such a picture is refused anyway
    try:
        app(args=arguments, prog_name="clothing-retrieval")
    except Stop as stop:
        if str(stop):
            typer.echo(f"clothing-retrieval: {stop}", err=True)
        sys.exit(stop.code)

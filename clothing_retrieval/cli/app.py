"""The commands together, and what happens when one of them fails."""

import sys
import warnings
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated

import PIL.Image
import typer

from clothing_retrieval.cli import catalogue, copying, demonstrating, evaluating, importing, models, running, searching
from clothing_retrieval.cli.stop import Stop

app = typer.Typer(
    help="Finds a catalogue's items in a photo of clothing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("up")(running.up)
app.command("import")(importing.import_)
app.command("search")(searching.search)
app.command("evaluate")(evaluating.evaluate_)
app.command("demo")(demonstrating.demo)
app.command("serve")(running.serve)
app.command("restore")(running.restore)
app.command("probe")(running.probe)
catalogue.collections.command("copy")(copying.copy)
app.add_typer(catalogue.items, name="items")
app.add_typer(catalogue.collections, name="collections")
app.add_typer(models.models, name="models")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"clothing-retrieval {metadata.version('clothing-retrieval')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line. Exits with 0, 1 after an error that the command explained, or 2 after wrong usage."""
    warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # such a picture is refused anyway
    try:
        app(args=arguments)
    except Stop as stop:
        if str(stop):
            typer.echo(f"clothing-retrieval: {stop}", err=True)
        sys.exit(1)

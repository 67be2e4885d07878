"""``models``: the model folders that the services load."""

from pathlib import Path
from typing import Annotated

import typer

from clothing_retrieval.cli.running import run_part

models = typer.Typer(help="The models that the services load.", no_args_is_help=True)


@models.callback()
def _group() -> None:
    """The models that the services load."""  # typer would drop the name of an only command


@models.command("verify")
def verify(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FOLDER]...", help="Version folders. None: the newest of each in models/."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each folder, on a line.")] = False,
) -> None:
    """Check that models are what their manifests say: digests, shapes, batches, int8 against fp32, cards."""
    run_part("serving.verification", *(["--json"] if json else []), *(str(folder) for folder in folders or []))

"""``models``: the model folders that the services load."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.up import UpError
from clothing_retrieval.up.stack import require_serving_parts

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
) -> None:
    """Check that models are what their manifests say: digests, shapes, batches, int8 against fp32, cards."""
    try:
        require_serving_parts()
    except UpError as error:
        raise Stop(str(error)) from error
    # A process of its own, as for `serve`: what a caller installs imports nothing of the servers.
    command = [sys.executable, "-m", "serving.verification", *(str(folder) for folder in folders or [])]
    if subprocess.run(command, check=False).returncode:
        raise Stop

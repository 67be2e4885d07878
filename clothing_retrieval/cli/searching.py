"""``search``: a photo in, the nearest items out, as tables, as JSON or as a page."""

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from rich.console import Console

from clothing_retrieval import errors
from clothing_retrieval.cli import matching
from clothing_retrieval.cli.gateway import (
    DEFAULT_COLLECTION,
    DEFAULT_TARGET,
    ApiKey,
    Collection,
    Target,
    connected,
)
from clothing_retrieval.cli.stop import Stop
from clothing_retrieval.cli.tables import result_tables
from clothing_retrieval.client import Client
from clothing_retrieval.page import SearchedPhoto, render_page
from clothing_retrieval.pictures import UnreadablePicture
from clothing_retrieval.v1.retrieval_service_pb2 import SearchResponse


def search(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="JPEG, PNG or WebP.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Items for each garment.")] = 5,
    save: Annotated[Path | None, typer.Option(help="Save a page that shows the matches.", dir_okay=False)] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only garments of these; may be repeated.")] = None,
    max_distance: Annotated[float | None, typer.Option(min=0, max=2, help="Leave out items farther than this.")] = None,
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Take the photo as it is, without looking for garments.")
    ] = False,
    alternatives: Annotated[
        bool, typer.Option("--alternatives", help="Search also for what else the parser could see.")
    ] = False,
    category_matching: matching.CategoryMatching = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object for each photo, on a line.")] = False,
    collection: Collection = DEFAULT_COLLECTION,
    target: Target = DEFAULT_TARGET,
    api_key: ApiKey = None,
) -> None:
    """Find the items most like each garment in a photo."""
    console = Console()
    searched: list[SearchedPhoto] = []
    for path in photos:
        photo = _read(path)
        with connected(target, api_key) as client:
            try:
                response = client.search(
                    photo,
                    collection=collection,
                    top_k=top_k,
                    categories=category or (),
                    max_distance=max_distance,
                    whole_image=whole_image,
                    category_matching=matching.message(category_matching),
                    include_cutouts=save is not None,
                    include_masks=save is not None,
                    include_alternatives=alternatives,
                )
            except errors.InvalidArgument as error:
                raise Stop(f"{path}: {error}") from error
            if save:
                stored = _stored_pictures(client, response, collection)
                searched.append(SearchedPhoto(path.name, photo, response, stored, whole_image))
        if json:
            typer.echo(_json(path, response))
        else:
            console.print(*result_tables(path.name, response, asked_whole=whole_image), sep="\n")
    if save:
        _save(save, searched)
        typer.echo(f"Saved {save}", err=json)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Stop(f"cannot read {path}: {error.strerror}") from error


def _stored_pictures(client: Client, response: SearchResponse, collection: str) -> dict[str, bytes]:
    """The small pictures of all matches that have one, by item id."""
    stored: dict[str, bytes] = {}
    for id in {match.item.id for found in response.results for match in found.matches}:
        try:
            stored[id] = client.get_picture(id, collection=collection)
        except errors.NotFound:
            continue
    return stored


def _save(path: Path, searched: list[SearchedPhoto]) -> None:
    title = "What was found in the photo" if len(searched) == 1 else f"What was found in {len(searched)} photos"
    lead = "Each garment is outlined, with the catalogue items nearest to it: the smaller the distance, the more alike."
    try:
        path.write_text(render_page(title, lead, searched), encoding="utf-8")
    except OSError as error:
        raise Stop(f"cannot write {path}: {error.strerror}") from error
    except UnreadablePicture as error:
        raise Stop(f"cannot show a photo on the page: {error}") from error


def _json(path: Path, response: SearchResponse) -> str:
    shown = SearchResponse()
    shown.CopyFrom(response)
    for found in shown.results:
        found.garment.ClearField("cutout")
        found.garment.ClearField("mask_png")
    answer = MessageToDict(shown, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return jsonlib.dumps({"photo": str(path), **answer}, ensure_ascii=False)

"""``python -m export COMMAND``: trains, exports and measures the models."""

import json
import os
from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from export.figures import noted, print_by_label, print_figures
from export.model_folder import files, measured_files, note_figures
from export.speed import milliseconds
from segment_service.mmseg_loading import stand_in

stand_in()

Folder = Annotated[Path, typer.Option(exists=True, file_okay=False)]
File = Annotated[Path, typer.Option(exists=True, dir_okay=False)]
Street = Annotated[Path, typer.Option(exists=True, file_okay=False, help="Clothing Co-Parsing: photos/, labels/")]
Shop = Annotated[Path, typer.Option(exists=True, file_okay=False, help="shop photos in folders named by category")]
Out = Annotated[Path, typer.Option(help="where to write")]
ParserFile = Annotated[Path, typer.Option(exists=True, dir_okay=False, help="a parser's ONNX file")]
Weights = Literal["default", "none"]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def train_parser(
    config: File,
    work_dir: Annotated[Path, typer.Option(help="for checkpoints and logs")],
    street: Street,
    shop: Optional[Folder] = None,  # noqa: UP045  (typer)
    masks: Annotated[Optional[Path], typer.Option(exists=True, help="of the shop photos")] = None,  # noqa: UP045
    drawn: Annotated[Optional[Path], typer.Option(exists=True, help="of draw-photos")] = None,  # noqa: UP045
    start_from: Annotated[Optional[Path], typer.Option(exists=True, help="a checkpoint, or a model folder")] = None,  # noqa: UP045
    resume: bool = False,
) -> None:
    """Train the parser by one of export/configs."""
    from export.train_parser import load_config, train

    print(train(load_config(config, work_dir, street, shop, masks, drawn), start_from, resume))


@app.command()
def pseudo_masks(parser: ParserFile, shop: Shop, out: Out) -> None:
    """Draw label maps for shop photos with an early parser and GrabCut."""
    from export.parsing import Parser
    from export.pseudo_masks import write_pseudo_masks

    photos, masks = write_pseudo_masks(Parser(parser, threads=1), shop, out)
    print(f"{masks} masks for {photos} photos")


@app.command()
def draw_photos(out: Out, count: int = 600) -> None:
    """Draw clothes with perfect masks, to train the parser on as well."""
    from export.drawn import write_drawn_photos

    write_drawn_photos(out, count)


@app.command()
def export_parser(
    config: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="mmsegmentation's; it is Python, and runs")],
    checkpoint: File,
    shop: Annotated[Path, typer.Option(exists=True, file_okay=False, help="photos: int8's ranges")],
    out: Out,
    street: Annotated[Optional[Path], typer.Option(exists=True, file_okay=False, help="half of the ranges")] = None,  # noqa: UP045
    height: Annotated[int, typer.Option(help="of the input; 0: the config's")] = 0,
    width: Annotated[int, typer.Option(help="of the input; 0: the config's")] = 0,
    garments: Annotated[str, typer.Option(help="classes that are garments, by commas; empty: known names")] = "",
    license_: Annotated[str, typer.Option("--license", help="of the checkpoint; empty: this project's config")] = "",
    data: Annotated[Optional[list[str]], typer.Option(help="what trained it, with licence; several times")] = None,  # noqa: UP045
) -> None:
    """Write a parser's model folder from an mmsegmentation checkpoint: ONNX in all precisions, manifest."""
    from mmengine.config import Config

    from export.export_parser import calibration_pictures, export_parser, load_parser
    from export.parser_description import describe_parser, input_size
    from segment_service.mmseg_engine import takes_bgr
    from serving.models import ModelError

    settings = Config.fromfile(config)
    model = load_parser(settings, checkpoint)
    try:
        size = input_size(settings, height, width)
        description = describe_parser(settings, model.dataset_meta, size, garments, license_, data or ())
    except (ValueError, ModelError) as error:
        raise typer.BadParameter(str(error).replace("SEGMENT_GARMENTS", "--garments")) from error
    pictures = calibration_pictures(street, shop, size)
    export_parser(model, takes_bgr(settings), description, pictures, out)


@app.command()
def evaluate_parser(
    model: Folder,
    street: Street,
    shop: Shop,
    confusion: Annotated[Optional[Path], typer.Option(help="draw fp32's confusion matrix here, a PNG")] = None,  # noqa: UP045
    json_file: Annotated[Optional[Path], typer.Option("--json", help="all figures and counts, by precision")] = None,  # noqa: UP045
) -> None:
    """Measure a parser's folder on held-out street photos and on shop photos, and note the figures in its manifest."""
    from export.confusion_picture import draw_confusion
    from export.evaluate_parser import garment_scores, shop_scores, street_confusion
    from export.labels import LABELS
    from export.model_folder import MANIFEST
    from export.parsing import Parser
    from export.parsing_scores import actual_garments, by_label, scores
    from serving.models import read_manifest

    if tuple(read_manifest(model / MANIFEST).labels) != LABELS:
        raise typer.BadParameter("its labels are not those of the street photos", param_hint="--model")
    quality, measured, actual = {}, {}, {}
    for precision, file in measured_files(model).items():
        parser = Parser(file)
        counts = street_confusion(parser, street)
        figures = scores(counts) | garment_scores(parser, street) | shop_scores(parser, shop)
        figures |= {"ms_one_thread": milliseconds(file)}
        print_figures(precision, figures)
        columns = by_label(counts)
        print_by_label(f"{precision}, by label", columns, LABELS)
        measured[precision] = {"figures": figures, "by_label": columns, "labels": LABELS, "confusion": counts.tolist()}
        if confusion is not None and precision == "fp32":
            draw_confusion(counts, confusion, f"{model.resolve().parent.name}, fp32: held-out street photos")
        quality |= noted(precision, figures)
        actual[precision] = actual_garments(counts)
    note_figures(model, quality, confusion=actual["int8"])
    if json_file is not None:
        json_file.write_text(json.dumps(measured, indent=2) + "\n")


@app.command()
def embedder_views(
    parser: ParserFile,
    street: Street,
    shop: Shop,
    out: Annotated[Path, typer.Option(help="an .npz file, of about 7 GB")],
    processes: Annotated[int, typer.Option(min=1, help="side by side")] = os.cpu_count() or 1,
) -> None:
    """Make the pictures of garments that the embedder is trained on."""
    from export.garment_views import training_views
    from export.train_embedder import Views

    Views.collect(training_views(parser, street, shop, processes)).save(out)


@app.command()
def train_embedder(views: File, out: Annotated[Path, typer.Option(help="a .pth file")]) -> None:
    """Train the embedder, on a GPU where there is one."""
    import torch

    from export.train_embedder import Recipe, Views, train

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.save(train(Views.load(views), Recipe(), device).state_dict(), out)


@app.command()
def refine_embedder(
    views: File,
    start_from: Annotated[Path, typer.Option(exists=True, file_okay=False, help="a garment embedder's model folder")],
    out: Annotated[Path, typer.Option(help="a .pth file")],
) -> None:
    """Train a released embedder's last layers further, on views that its parser cut out."""
    import torch

    from export.model_folder import FP32
    from export.refine_embedder import Refinement, refine
    from export.released_weights import load_released_embedder
    from export.train_embedder import Recipe, Views

    try:
        embedder = load_released_embedder(start_from / FP32, Recipe.kind_share)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--start-from") from error
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.save(refine(embedder, Views.load(views), Refinement(), device).state_dict(), out)


@app.command()
def export_embedder(weights: File, parser: ParserFile, street: Street, shop: Shop, out: Out) -> None:
    """Write the embedder's model folder: ONNX in fp32, fp16 and int8, manifest."""
    from export.export_embedder import calibration_pictures, export_embedder, load_embedder
    from export.parsing import Parser

    export_embedder(load_embedder(weights), calibration_pictures(Parser(parser), street, shop), out)


@app.command()
def embed(
    backbone: Annotated[str, typer.Option(help="efficientnet-lite0, efficientnet-lite2, or torchvision:MODEL")],
    shop: Annotated[Path, typer.Option(exists=True, file_okay=False, help="photos, in folders or not: int8's ranges")],
    out: Out,
    weights: Annotated[Weights, typer.Option(help="none: random ones")] = "default",
) -> None:
    """Write an embedder's model folder of a network's ImageNet features: ONNX in all precisions, manifest, card."""
    from export.imagenet import calibration_pictures, export_backbone, load_backbone

    pretrained = weights == "default"
    try:
        network = load_backbone(backbone, pretrained)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error), param_hint="--backbone") from error
    export_backbone(network, pretrained, calibration_pictures(shop, network.side), out)


@app.command()
def evaluate_embedder(model: Folder, parser: ParserFile, street: Street, gallery: Folder, queries: Folder) -> None:
    """Measure an embedder's folder behind a parser, and note the figures in its manifest."""
    from export.evaluate_embedder import folder_scores, picture_side, shop_pictures, street_scores
    from export.onnx_files import run
    from export.parsing import Parser

    seen = Parser(parser)
    side = picture_side(files(model)["fp32"])
    items, names = shop_pictures(seen, gallery, side)
    probes, wanted = shop_pictures(seen, queries, side)
    whole, _ = shop_pictures(seen, queries, side, whole=True)
    quality = {}
    for precision, file in measured_files(model).items():
        vectors = run(file, items)
        figures = folder_scores(run(file, probes), wanted, vectors, names)
        figures["whole_precision_at_5"] = folder_scores(run(file, whole), wanted, vectors, names)["precision_at_5"]
        figures |= street_scores(seen, file, street) | {"ms_one_thread": milliseconds(file)}
        print_figures(precision, figures)
        quality |= noted(precision, figures)
    note_figures(model, quality)


if __name__ == "__main__":
    app()

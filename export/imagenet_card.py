"""The model card of a folder that ``export embed`` writes."""

from pathlib import Path

from export.backbone import Backbone
from export.precisions import Agreement

_CARD = """# {folder}

Turns a picture into {features} numbers of unit length, so that like pictures lie near each other: the features of
{name} as ImageNet taught them, before its classifier. Nothing has been trained on clothing.

- `model.onnx` (float32), `model.fp16.onnx` (for GPUs), `model.int8.onnx` (static QDQ, per channel, 7-bit weights)
- input `image`: uint8 (n, {side}, {side}, 3), RGB: a garment cut out on white in its square box with a margin, or a
  whole photo fitted into a white square; normalisation is inside
- output `embedding`: float32 (n, {features}), unit length; compare by Euclidean distance or by dot product

## Intended use

Finding items like a given one in a merchant's catalogue, and measuring what a trained embedder gains over plain
features. Not for recognising people.

## Data and licences

- Weights: {data}.
- Code of the network: {license}.
- int8's ranges: {count} whole photos of the export's `--shop` folder. Nothing else of them is in the files.

ImageNet's pictures come under terms of their own, for research: whether these bind the weights is for their user to
judge.

## Training

None here. The folder was written by

    python -m export embed --backbone {name} --shop SHOP --out {out}

## Measured

Between the files, on up to 16 of the photos above; not how well anything is found, which `evaluate-embedder` measures.

| | |
|---|---|
| PyTorch against `model.onnx`, largest difference, of the largest output | {pytorch:.1e} |
| `model.fp16.onnx` against `model.onnx`, cosine, each result rounded as on a GPU | {fp16:.5f} |
| `model.int8.onnx` against `model.onnx`, cosine | {int8:.4f} |

## Limits

- ImageNet's classes shaped it: it tells kinds of things apart better than two garments of a kind.
- Backgrounds and people count as much as clothes do: give it cutouts.
"""


def write_card(folder: Path, backbone: Backbone, data: str, calibrated_by: int, agreement: Agreement) -> None:
    """``README.md``, which ``models verify`` asks for."""
    model, version = folder.resolve().parent.name, folder.resolve().name
    text = _CARD.format(
        folder=f"{model} {version}",
        name=backbone.name,
        features=backbone.features,
        side=backbone.side,
        data=data,
        license=backbone.license,
        count=calibrated_by,
        out=f"models/{model}/{version}",
        pytorch=agreement.pytorch,
        fp16=agreement.fp16,
        int8=agreement.int8,
    )
    (folder / "README.md").write_text(text)

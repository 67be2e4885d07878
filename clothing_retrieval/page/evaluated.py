"""An evaluation as a page: the figures, and the queries that went worst and best as pictures."""

from collections.abc import Sequence
from html import escape

from clothing_retrieval import pictures
from clothing_retrieval.display import WHOLE_PHOTO, WHOLE_PHOTO_ASKED, garment_name
from clothing_retrieval.evaluation.evaluation import Evaluation
from clothing_retrieval.evaluation.examples import SHOWN_ITEMS, Example
from clothing_retrieval.evaluation.judging import is_right, rank_of, right_ranks, telling_garment
from clothing_retrieval.evaluation.searching import DEPTH, Garment, Hit
from clothing_retrieval.evaluation.variants import Comparison
from clothing_retrieval.page.evaluated_style import CSS
from clothing_retrieval.page.figures import category_table, difference_table, figure_table, variant_table
from clothing_retrieval.page.parts import cutout, document, framed_photo, hue, item_picture

_PHOTO_SIDE = 400
_ITEM_SIDE = 200

_BY_CATEGORY = (
    "The items found for a photo's largest garment count; one is right where its category is the name of the photo's "
    "folder. P@k: right items among the first k. R@k: those as a share of all right items in the collection. "
    f"mAP@{DEPTH}: mean average precision over the first {DEPTH} items, divided by {DEPTH} or the right items in the "
    "collection, whichever is less."
)
_OF_PAIRS = (
    "A pair's rank is the best at which any garment of the photo found the item. hit@k: share of pairs whose rank is k "
    f"or better. MRR@{DEPTH}: mean of 1 / rank, 0 beyond rank {DEPTH}."
)
_DISTANCES = (
    "Nearest first, though items of another category may rank a little lower. Distances are Euclidean, between unit "
    "vectors: 0 is the very same picture, 2 the opposite."
)


def render_evaluation(
    title: str,
    lead: str,
    evaluation: Evaluation,
    *,
    caption: str,
    worst: Sequence[Example],
    best: Sequence[Example],
    comparison: Comparison | None = None,
) -> str:
    """The page. All texts are taken as plain text; ``caption`` stands under the table that tells times, if any does."""
    parts = [_block("Figures", figure_table(evaluation), "" if comparison else caption)]
    if comparison:
        parts.append(_block("Variants", variant_table(comparison), caption))
        parts.append(_block("What differs from the default", difference_table(comparison)))
    if not evaluation.of_pairs:
        parts.append(_block("By category", category_table(evaluation)))
    parts += [_gallery("Worst queries", worst, evaluation), _gallery("Best queries", best, evaluation)]
    definitions = _OF_PAIRS if evaluation.of_pairs else _BY_CATEGORY
    footer = f"<p>{escape(definitions)}</p><p>{escape(_DISTANCES)}</p>"
    return document(title, lead, "\n".join(parts), footer, CSS)


def _block(heading: str, table_html: str, caption: str = "") -> str:
    below = f'<p class="caption">{escape(caption)}</p>' if caption else ""
    return f'<section class="block"><h2>{escape(heading)}</h2><div class="scroll">{table_html}</div>{below}</section>'


def _gallery(heading: str, examples: Sequence[Example], evaluation: Evaluation) -> str:
    if not examples:
        return ""
    shown = "\n".join(_example(example, evaluation) for example in examples)
    return f'<section class="block"><h2>{escape(heading)}</h2>{shown}</section>'


def _example(example: Example, evaluation: Evaluation) -> str:
    answer = example.answer
    if not answer.garments:
        body = f'<p class="note">No answer: {escape(answer.problem)}</p>'
    else:
        garment = answer.garments[telling_garment(answer)]
        body = _searched_with(example, garment) + _found(example, garment)
    return (
        f'<article class="search query">{_photo(example)}'
        f'<div class="garment" style="{hue(0)}">{_wanted(example, evaluation)}{body}</div></article>'
    )


def _photo(example: Example) -> str:
    name = escape(example.answer.query.photo.name)
    garments = [example.garment] if example.garment else []
    try:
        return framed_photo(example.photo, garments, name, _PHOTO_SIDE, numbered=False)
    except pictures.UnreadablePicture as error:
        none = f'<div class="none">{escape(str(error))}</div>'
        return f'<figure class="photo">{none}<figcaption>{name}</figcaption></figure>'


def _wanted(example: Example, evaluation: Evaluation) -> str:
    answer = example.answer
    if answer.query.items:
        sought = "".join(_sought(example, id) for id in answer.query.items)
        return f'<ul class="sought" aria-label="Sought">{sought}</ul>'
    ranks = right_ranks(answer)
    right = sum(rank <= evaluation.top_k for rank in ranks)
    first = f"first right item at rank {ranks[0]}" if ranks else f"no right item among the first {DEPTH}"
    facts = (
        f"average precision {example.score:.3f}",
        f"{right} right among the first {evaluation.top_k}",
        first,
        f"{evaluation.holding.of(answer.query.category):,} in the collection",
    )
    return f'<h3 class="name">{escape(answer.query.category)}</h3><p class="facts">{" · ".join(facts)}</p>'


def _sought(example: Example, id: str) -> str:
    item = example.items[id]
    rank = rank_of(example.answer, id)
    place = f"rank {rank}" if rank else f"not among the first {DEPTH}"
    picture = item_picture(example.pictures.get(id, b""), item.title, item.category, _ITEM_SIDE)
    return (
        f'<li><div class="picture">{picture}</div><div><span class="kind">Sought</span>'
        f'<strong class="title">{escape(item.title or id)}</strong>{_id(id, item.title)}<span>{place}</span></div></li>'
    )


def _searched_with(example: Example, garment: Garment) -> str:
    if not garment.category:
        said = WHOLE_PHOTO_ASKED if example.whole_image else WHOLE_PHOTO
        return f'<p class="note">{said[0].upper()}{said[1:]}.</p>'
    seen = example.garment
    shown = cutout(seen) if seen else ""
    name = garment_name(seen) if seen else garment.category
    sure = f", {seen.confidence:.0%} sure" if seen else ""
    return f"<header>{shown}<p>Searched with: <strong>{escape(name)}</strong>{sure}</p></header>"


def _found(example: Example, garment: Garment) -> str:
    if not garment.hits:
        return '<p class="nothing">Nothing similar was found.</p>'
    cards = "".join(_card(example, hit) for hit in garment.hits[:SHOWN_ITEMS])
    return f'<ol class="matches">{cards}</ol>'


def _card(example: Example, hit: Hit) -> str:
    verdict, badge = ("right", "✓ right") if is_right(example.answer.query, hit) else ("wrong", "✗ wrong")
    picture = item_picture(example.pictures.get(hit.id, b""), hit.title, hit.category, _ITEM_SIDE)
    return (
        f'<li class="match {verdict}"><div class="picture">{picture}<span class="badge {verdict}">{badge}</span></div>'
        f'<div class="text"><span class="title">{escape(hit.title)}</span>'
        f'<span class="kind">{escape(hit.category)}</span>'
        f'<span class="distance">distance {hit.distance:.3f}</span>{_id(hit.id, hit.title)}</div></li>'
    )


def _id(id: str, title: str) -> str:
    return f'<span class="id">{escape(id)}</span>' if title and title != id else ""

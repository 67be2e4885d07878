"""How good searches are, measured on photos whose answer is known.

Every photo is searched with once, for ``DEPTH`` = 100 items: more than that a gateway does not return. The figures for
a smaller k are those of the first k of these. (A large collection is searched approximately: a search for fewer items
may miss an item that this one finds.)

A folder, whose sub-folders are the categories of the photos in them. Only the items found for a photo's largest garment
count. An item is right where its category is the very name of the photo's folder; R is how many such items the
collection holds, as the gateway counts them.

    P@k       right items among the first k, divided by k. Where fewer than k are found, the missing ones are wrong.
    R@k       right items among the first k, divided by R. It cannot exceed min(k, R) / R.
    mAP@100   the mean over photos of the average precision: the precision at the rank of each right item among the
              first 100, summed, divided by min(100, R). What lies beyond rank 100 cannot be known through a gateway.

Each is a mean over photos. Photos of a category that the collection lacks (R = 0) have a precision of 0, and no recall
and no average precision: those means leave them out.

A file of pairs (photo, item). The rank of a pair is the best at which any garment of the photo found the item.

    hit@k     share of pairs whose rank is k or better.
    MRR@100   mean of 1 / rank over the pairs; 0 where the item is not among the first 100 of any garment.

A photo without an answer counts as one that found nothing. A photo that lies in the collection itself finds itself:
hold it out. Intervals: see ``bootstrap``. Times: see ``searching``.
"""

from clothing_retrieval.evaluation.bootstrap import Estimate
from clothing_retrieval.evaluation.collection import Holding, find_holding, missing_items
from clothing_retrieval.evaluation.evaluation import Evaluation, evaluate
from clothing_retrieval.evaluation.figures import Figure
from clothing_retrieval.evaluation.queries import Query, labelled_photos, read_queries
from clothing_retrieval.evaluation.searching import DEPTH, Answer, Garment, Hit, Way

__all__ = [
    "DEPTH",
    "Answer",
    "Estimate",
    "Evaluation",
    "Figure",
    "Garment",
    "Hit",
    "Holding",
    "Query",
    "Way",
    "evaluate",
    "find_holding",
    "labelled_photos",
    "missing_items",
    "read_queries",
]

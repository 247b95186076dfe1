"""Records, before packing: what a plan would pack, by part and class, and how large it would be; nothing is written."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from recordio.errors import DataError
from recordio.layouts.splits import PARTS
from recordio.records.plan import Plan
from recordio.records.samples import Encoded, encode_model

SAMPLES = 8  # models that are encoded for the estimate


@dataclass(frozen=True)
class Row:
    """The models of one class in one part of the split; `bytes` is an estimate."""

    split: str
    name: str
    models: int
    views: int
    bytes: int


def encode_samples(plan: Plan, *, workers: int = 2, samples: int = SAMPLES) -> List[Encoded]:
    """The records of a few models of a folder's plan, spread over all of them; unreadable ones are passed over."""
    models = [model for shard in plan.shards for model in shard.models]
    chosen = models[::max(1, len(models) // samples)][:samples]

    def encode(model) -> Encoded:
        try:
            return encode_model(model, plan.options)
        except (DataError, OSError) as error:
            return Encoded(reason=str(error))

    with ThreadPoolExecutor(workers) as pool:
        return [encoded for encoded in pool.map(encode, chosen) if encoded.payload]


def survey(plan: Plan, encoded: Sequence[Encoded]) -> Tuple[Row, ...]:
    """What *plan* would pack, by part and class; sizes by the mean bytes per view of the *encoded* records."""
    views = sum(record.views for record in encoded)
    each = sum(len(record.payload) for record in encoded) / views if views else 0.0
    counts: dict = {}
    for shard in plan.shards:
        for model in shard.models:
            count = counts.setdefault((PARTS.index(shard.split), model.synset), [0, 0])
            count[0] += 1
            count[1] += len(model.names)
    return tuple(Row(PARTS[part], plan.classes.get(synset, synset), models, number, round(each * number))
                 for (part, synset), (models, number) in sorted(counts.items()))

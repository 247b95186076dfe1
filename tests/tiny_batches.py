"""What tests of tools/reconstruct.py work on: a stand-in for the network, and small photographs."""
from __future__ import annotations

import numpy as np

from recordio.layouts import encode_png


class StandIn:
    """For the network, in a moment: a ball as large as the views are dark.

    Its numbers hang on all objects of a batch, as if an engine rounded otherwise in every other composition.
    """

    engine, precision = "mxnet", "float32"

    def __init__(self, real):
        self.facts, self.prepare = real.facts, real.prepare

    def reconstruct_many(self, objects):
        darkness = [1 - np.mean([view.image for view in views]) / 255 for views in objects]
        distance = np.linalg.norm(np.mgrid[:8, :8, :8] - 3.5, axis=0)
        return [np.clip(dark * 8 - distance / 4 + 1e-3 * sum(darkness), 0, 1).astype(np.float32) for dark in darkness]

    def reconstruct(self, views):
        return self.reconstruct_many([views])[0]

    def stream(self, views):
        for count in range(1, len(views) + 1):
            yield self.reconstruct_many([views[:count]])[0]


def photo(seed, size=(90, 120)):
    """A coloured rectangle on white, cut out by no more than its background; PNG bytes."""
    rng = np.random.default_rng(seed)
    picture = np.full((*size, 3), 255, np.uint8)
    top, left = rng.integers(8, 30, 2)
    picture[top:top + 45, left:left + 60] = rng.integers(0, 200, (45, 60, 3))
    return encode_png(picture)

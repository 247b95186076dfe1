"""Shapes, class "telephone": the choice between mobile phones and those with a wire."""
from __future__ import annotations

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import telephone_fixed, telephone_mobile, telephone_smart
from recordio.shapes.catalogue import draw_style, register

# style -> how often; most telephones of the ShapeNet class are mobile
STYLES = {
    telephone_smart.smartphone: 26, telephone_smart.keyboard_phone: 8, telephone_mobile.bar_phone: 14,
    telephone_mobile.flip_phone: 12, telephone_mobile.slider: 8, telephone_mobile.brick_phone: 4,
    telephone_fixed.cordless: 9, telephone_fixed.desk_phone: 10, telephone_fixed.rotary_phone: 7,
    telephone_fixed.wall_phone: 4, telephone_fixed.candlestick: 3,
}


@register("telephone")
def telephone(rng: np.random.Generator) -> Mesh:
    """A telephone of one of eleven styles, upright, its face towards -z."""
    return concatenate(draw_style(rng, STYLES)(rng))

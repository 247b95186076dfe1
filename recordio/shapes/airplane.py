"""Shapes, class "airplane": the choice among the styles of civil, light and military aircraft."""
from __future__ import annotations

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import airplane_bombers, airplane_civil, airplane_fighters, airplane_light
from recordio.shapes.catalogue import draw_style, register

# style -> how often; airliners are the bulk of every collection, fighters come next
STYLES = {
    airplane_civil.airliner: 24, airplane_civil.rear_engined: 9, airplane_civil.turboprop: 8,
    airplane_civil.supersonic: 3, airplane_civil.transport: 7, airplane_light.high_wing: 8,
    airplane_light.low_wing: 6, airplane_light.biplane: 6, airplane_light.glider: 5,
    airplane_fighters.jet_fighter: 16, airplane_fighters.delta_fighter: 6, airplane_fighters.piston_fighter: 8,
    airplane_bombers.bomber: 6, airplane_bombers.flying_wing: 4,
}


@register("airplane")
def airplane(rng: np.random.Generator) -> Mesh:
    """An aircraft of one of fourteen styles, nose towards -z."""
    return concatenate(draw_style(rng, STYLES)(rng))

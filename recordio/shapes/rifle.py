"""Shapes, class "rifle": the choice among long guns, military and sporting."""
from __future__ import annotations

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import rifle_military, rifle_special, rifle_sporting
from recordio.shapes.catalogue import draw_style, register

# style -> how often
STYLES = {
    rifle_military.carbine: 18, rifle_military.kalashnikov: 16, rifle_special.bullpup: 8,
    rifle_special.machine_pistol: 9, rifle_special.sniper: 12, rifle_special.machine_gun: 5,
    rifle_military.battle_rifle: 6, rifle_sporting.hunting_rifle: 14, rifle_sporting.pump_shotgun: 8,
    rifle_sporting.double_shotgun: 5, rifle_sporting.lever_rifle: 6, rifle_sporting.musket: 4,
}


@register("rifle")
def rifle(rng: np.random.Generator) -> Mesh:
    """A long gun of one of twelve styles, muzzle towards -z, upright."""
    return concatenate(draw_style(rng, STYLES)(rng))

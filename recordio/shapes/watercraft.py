"""Shapes, class "watercraft": the choice among boats and ships."""
from __future__ import annotations

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import watercraft_boats, watercraft_naval, watercraft_sailing, watercraft_ships
from recordio.shapes.catalogue import draw_style, register

# style -> how often
STYLES = {
    watercraft_sailing.sailing_yacht: 13, watercraft_boats.speedboat: 11, watercraft_boats.rowing_boat: 6,
    watercraft_boats.canoe: 4, watercraft_boats.fishing_boat: 9, watercraft_sailing.catamaran: 4,
    watercraft_ships.motor_yacht: 13, watercraft_ships.container_ship: 8, watercraft_ships.tanker: 6,
    watercraft_naval.warship: 12, watercraft_ships.cruise_ship: 7, watercraft_ships.tug: 5,
    watercraft_naval.submarine: 4, watercraft_sailing.tall_ship: 6, watercraft_naval.carrier: 3,
}


@register("watercraft")
def watercraft(rng: np.random.Generator) -> Mesh:
    """A boat or ship of one of fifteen styles, bow towards -z, hull included down to the keel."""
    return concatenate(draw_style(rng, STYLES)(rng))

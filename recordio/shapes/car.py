"""Shapes, class "car": the choice among the styles, and a road car put together from body and fittings."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes.car_body import chassis, glasshouse, hull, wheels
from recordio.shapes.car_fittings import cockpit, extras, face
from recordio.shapes.car_special import formula, veteran
from recordio.shapes.car_styles import OLD_PAINTS, PAINTS, draw, livery
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.materials import Material, pick, plain, varied

# how often each style comes: saloons of all kinds are half of a street scene, here a third, for the sake of variety
WEIGHTS = {"sedan": 10, "limousine": 3, "hatchback": 9, "estate": 5, "suv": 9, "coupe": 7, "supercar": 8,
           "muscle": 5, "pickup": 7, "minivan": 4, "van": 7, "microbus": 3, "offroad": 6, "beetle": 4,
           "convertible": 7, "formula": 7, "veteran": 6}


@register("car")
def car(rng: np.random.Generator) -> Mesh:
    """A car of one of seventeen styles, nose towards -z, wheels on the ground."""
    style = draw_style(rng, WEIGHTS)
    if style == "formula":
        return concatenate(formula(rng))
    if style == "veteran":
        return concatenate(veteran(rng))
    return concatenate(road_car(rng, style))


def road_car(rng, style) -> List[Mesh]:
    open_top = style == "convertible"
    body = draw(rng, style if not open_top else pick(rng, ("coupe", "coupe", "muscle", "hatchback", "beetle")))
    old = style in ("microbus", "beetle") or (style in ("sedan", "pickup", "muscle", "estate") and rng.random() < 0.2)
    paint = Material(varied(rng, pick(rng, OLD_PAINTS if old else PAINTS, 1.0 if old else 1.6), 0.05),
                     float(rng.uniform(0.5, 0.85)))
    colours = livery(rng, body, paint, old, open_top)
    glass = plain(*pick(rng, ((26, 30, 34), (38, 46, 52), (20, 22, 24), (52, 64, 70))), gloss=0.95)
    parts = [hull(body, colours)]
    parts += chassis(body)
    parts += wheels(rng, body, paint, old)
    parts += face(rng, body, paint, old)
    if open_top:
        parts += cockpit(rng, body, glass, paint)
    else:
        parts += glasshouse(rng, body, colours, glass)
        parts += extras(rng, body, paint, colours)
    return parts

"""Shapes, cars in numbers: the proportions of every body style, one drawn car, and how it is painted.

The ranges are those of the makers' data sheets of common cars, in metres.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, Tuple

import numpy as np

from recordio.shapes.materials import Material, pick, plain, varied
from recordio.shapes.outlines import monotone

Range = Tuple[float, float]
BLACK, TYRE, CHROME = plain(24, 24, 26, gloss=0.3), plain(30, 30, 31, gloss=0.08), plain(205, 208, 212, gloss=0.95)
LAMP, TAIL = plain(245, 246, 238, gloss=0.9), plain(176, 18, 20, gloss=0.8)
PLATE = plain(236, 236, 224, gloss=0.3)
PAINTS = ((236, 238, 238), (30, 31, 34), (172, 176, 180), (96, 100, 106), (34, 54, 98), (150, 26, 28), (206, 208, 206),
          (62, 66, 72), (196, 30, 30), (24, 34, 56), (70, 110, 160), (44, 70, 54), (120, 88, 60), (200, 188, 160),
          (222, 110, 30), (232, 190, 40), (92, 128, 60), (76, 26, 36), (130, 168, 190), (60, 130, 130))
OLD_PAINTS = ((196, 210, 196), (120, 160, 170), (232, 222, 196), (110, 26, 30), (30, 30, 32), (44, 66, 52),
              (40, 52, 84), (206, 180, 120), (186, 90, 70), (150, 140, 120))


@dataclass(frozen=True)
class Proportions:
    """What tells one body style from another; ranges to draw from, metres or shares of the length."""

    length: Range
    width: Range
    height: Range
    wheelbase: Range = (0.575, 0.605)  # share of the length
    front: Range = (0.42, 0.47)  # front overhang, share of both overhangs
    wheel: Range = (0.31, 0.34)  # tyre radius, metres
    clearance: Range = (0.15, 0.19)  # metres
    nose: Range = (0.69, 0.80)  # height of the bonnet's front edge, metres
    cowl: Range = (0.88, 0.95)  # height at the foot of the windscreen
    deck: Range = (0.93, 1.02)  # height of the rear edge
    screen: Range = (0.26, 0.29)  # foot of the windscreen, share of the length from the nose
    roof_front: Range = (0.40, 0.43)
    roof_rear: Range = (0.66, 0.71)
    glass_rear: Range = (0.82, 0.86)  # foot of the rear window
    pillars: Tuple[float, ...] = (0.55,)  # upright pillars, share of the length from the nose
    rear_pillar: Range = (0.16, 0.32)  # metres between the last side window and the rear window
    sag: Range = (0.02, 0.05)  # metres the roof falls towards its ends
    lean: Range = (0.76, 0.82)  # roof width over body width
    square: Range = (0.30, 0.55)  # 0 round, 1 a box


STYLES: Dict[str, Proportions] = {
    "sedan": Proportions((3.95, 5.3), (1.6, 1.95), (1.36, 1.56)),
    "limousine": Proportions((5.6, 7.8), (1.82, 1.95), (1.42, 1.54), wheelbase=(0.66, 0.70), screen=(0.19, 0.21),
                             roof_front=(0.28, 0.30), roof_rear=(0.78, 0.81), glass_rear=(0.88, 0.90),
                             pillars=(0.40, 0.54, 0.67)),
    "hatchback": Proportions((2.95, 4.4), (1.48, 1.82), (1.36, 1.6), wheelbase=(0.60, 0.65), screen=(0.22, 0.26),
                             roof_front=(0.38, 0.41), roof_rear=(0.84, 0.90), glass_rear=(0.95, 0.98),
                             deck=(0.92, 1.0), pillars=(0.57,), rear_pillar=(0.2, 0.45)),
    "estate": Proportions((4.1, 5.1), (1.64, 1.92), (1.4, 1.62), roof_rear=(0.86, 0.92), glass_rear=(0.95, 0.98),
                          pillars=(0.54, 0.74), rear_pillar=(0.12, 0.2)),
    "suv": Proportions((3.65, 5.4), (1.68, 2.05), (1.55, 1.95), wheelbase=(0.575, 0.62), wheel=(0.35, 0.40),
                       clearance=(0.20, 0.28), nose=(0.86, 1.0), cowl=(1.05, 1.15), deck=(1.08, 1.18),
                       screen=(0.25, 0.29), roof_front=(0.37, 0.41), roof_rear=(0.86, 0.93), glass_rear=(0.95, 0.985),
                       pillars=(0.53, 0.74), rear_pillar=(0.12, 0.25), square=(0.45, 0.8), lean=(0.78, 0.86)),
    "coupe": Proportions((3.7, 4.95), (1.6, 1.95), (1.18, 1.42), wheel=(0.32, 0.35), clearance=(0.11, 0.15),
                         nose=(0.55, 0.66), cowl=(0.84, 0.9), deck=(0.84, 0.95), screen=(0.30, 0.34),
                         roof_front=(0.44, 0.48), roof_rear=(0.60, 0.66), glass_rear=(0.84, 0.92), pillars=(0.65,),
                         rear_pillar=(0.3, 0.5), sag=(0.03, 0.07), lean=(0.70, 0.76), square=(0.15, 0.4)),
    "supercar": Proportions((3.8, 4.95), (1.74, 2.08), (1.02, 1.24), wheel=(0.33, 0.36), clearance=(0.09, 0.12),
                            nose=(0.44, 0.52), cowl=(0.72, 0.78), deck=(0.82, 0.92), screen=(0.20, 0.26),
                            roof_front=(0.40, 0.44), roof_rear=(0.50, 0.56), glass_rear=(0.78, 0.88), pillars=(0.56,),
                            rear_pillar=(0.5, 0.8), sag=(0.02, 0.05), lean=(0.60, 0.68), square=(0.1, 0.35)),
    "muscle": Proportions((4.6, 5.7), (1.82, 2.05), (1.28, 1.46), wheel=(0.33, 0.36), nose=(0.72, 0.82),
                          cowl=(0.9, 0.96), deck=(0.88, 0.98), screen=(0.33, 0.37), roof_front=(0.45, 0.48),
                          roof_rear=(0.62, 0.67), glass_rear=(0.80, 0.88), pillars=(0.66,), rear_pillar=(0.35, 0.6),
                          square=(0.55, 0.9), lean=(0.70, 0.78)),
    "pickup": Proportions((4.4, 6.3), (1.64, 2.05), (1.58, 1.98), wheelbase=(0.59, 0.63), front=(0.40, 0.44),
                          wheel=(0.37, 0.42), clearance=(0.24, 0.34), nose=(0.98, 1.12), cowl=(1.10, 1.2),
                          deck=(1.08, 1.2), screen=(0.24, 0.27), roof_front=(0.33, 0.36), roof_rear=(0.46, 0.64),
                          glass_rear=(0.0, 0.0), pillars=(0.455,), rear_pillar=(0.1, 0.16), square=(0.6, 0.9)),
    "minivan": Proportions((3.9, 5.2), (1.66, 2.0), (1.58, 1.88), wheelbase=(0.58, 0.62), cowl=(0.98, 1.06),
                           nose=(0.78, 0.88), deck=(1.0, 1.08), screen=(0.15, 0.19), roof_front=(0.34, 0.38),
                           roof_rear=(0.88, 0.94), glass_rear=(0.96, 0.985), pillars=(0.46, 0.70),
                           rear_pillar=(0.12, 0.22), lean=(0.78, 0.84)),
    "van": Proportions((4.0, 6.4), (1.8, 2.05), (1.82, 2.5), wheelbase=(0.56, 0.60), wheel=(0.34, 0.37),
                       nose=(0.95, 1.1), cowl=(1.15, 1.28), deck=(1.12, 1.25), screen=(0.10, 0.15),
                       roof_front=(0.20, 0.26), roof_rear=(0.965, 0.98), glass_rear=(0.988, 0.992),
                       pillars=(0.35, 0.64), rear_pillar=(0.1, 0.15), sag=(0.0, 0.03), lean=(0.86, 0.92),
                       square=(0.6, 0.9)),
    "microbus": Proportions((3.9, 4.6), (1.66, 1.82), (1.8, 2.0), wheelbase=(0.54, 0.58), front=(0.46, 0.5),
                            nose=(1.05, 1.15), cowl=(1.16, 1.22), deck=(1.15, 1.22), screen=(0.025, 0.04),
                            roof_front=(0.09, 0.13), roof_rear=(0.92, 0.95), glass_rear=(0.975, 0.985),
                            pillars=(0.30, 0.53, 0.75), rear_pillar=(0.1, 0.2), lean=(0.82, 0.86), square=(0.2, 0.4)),
    "offroad": Proportions((3.35, 4.9), (1.58, 2.08), (1.66, 2.0), wheelbase=(0.58, 0.62), wheel=(0.37, 0.43),
                           clearance=(0.25, 0.33), nose=(1.0, 1.1), cowl=(1.1, 1.2), deck=(1.1, 1.2),
                           screen=(0.31, 0.35), roof_front=(0.36, 0.40), roof_rear=(0.965, 0.98),
                           glass_rear=(0.985, 0.99), pillars=(0.60, 0.80), rear_pillar=(0.08, 0.14),
                           sag=(0.0, 0.015), lean=(0.88, 0.95), square=(0.9, 1.0)),
    "beetle": Proportions((3.0, 4.2), (1.4, 1.72), (1.32, 1.55), wheelbase=(0.58, 0.60), nose=(0.62, 0.7),
                          cowl=(0.92, 0.98), deck=(0.55, 0.68), screen=(0.33, 0.36), roof_front=(0.41, 0.44),
                          roof_rear=(0.58, 0.62), glass_rear=(0.78, 0.82), pillars=(0.56,), rear_pillar=(0.25, 0.35),
                          sag=(0.07, 0.1), lean=(0.72, 0.78), square=(0.0, 0.1)),
}


@dataclass(frozen=True)
class Body:
    """One drawn car: the numbers of its style, z measured from the middle (nose at -length / 2)."""

    style: str
    length: float
    width: float
    height: float
    axles: Tuple[float, float]
    wheel: float
    tyre: float  # width of the tyres
    clearance: float
    nose: float
    cowl: float
    deck: float
    screen: float
    roof_front: float
    roof_rear: float
    glass_rear: float
    pillars: Tuple[float, ...]
    rear_pillar: float
    sag: float
    lean: float
    square: float

    def z(self, share: float) -> float:
        """Metres from the middle of the car for a *share* of its length from the nose."""
        return (share - 0.5) * self.length

    def half_width(self, z):
        """Half the body's width at *z*: tapered to both ends."""
        end = 0.80 + 0.13 * self.square
        body = 0.86 if self.style == "beetle" else 1.0  # its wings stand out from the body
        t = np.asarray(z) / self.length + 0.5
        shape = [(0, end), (0.05, 0.5 * end + 0.46), (0.2, 0.985), (0.5, 1.0), (0.82, 0.985), (0.96, 0.5 * end + 0.475),
                 (1, end + 0.03)]
        return body * self.width / 2 * monotone(t, shape)

    def top(self, z):
        """Height of the body without its glasshouse: bonnet, waist, boot."""
        t = np.asarray(z) / self.length + 0.5
        waist = max(self.cowl, min(self.deck, self.cowl + 0.05))
        knots = [(0, self.nose - 0.06 * (1.3 - self.square)), (0.03, self.nose)]
        if self.screen > 0.08:
            bulge = self.nose + (self.cowl - self.nose) * (0.62 + 0.18 * (1 - self.square))
            knots += [(0.03 + 0.5 * (self.screen - 0.03), bulge)]
        knots += [(self.screen + 0.01, self.cowl), (0.62, waist)]
        if self.style in ("beetle",):
            knots += [(0.80, 0.94 * waist), (0.92, 0.5 * (waist + self.deck)), (1, self.deck * 0.82)]
        else:
            knots += [(min(self.glass_rear, 0.93) + 0.02, max(waist, self.deck)), (0.985, self.deck),
                      (1, self.deck - 0.05)]
        return monotone(t, knots)


def draw(rng: np.random.Generator, style: str) -> Body:
    """Draw the numbers of a car of *style*."""
    ranges = STYLES[style]
    pillars = ranges.pillars
    values = {name: float(rng.uniform(*getattr(ranges, name))) for name in Proportions.__dataclass_fields__
              if name != "pillars"}
    base = values.pop("wheelbase") * values["length"]
    front = values.pop("front") * (values["length"] - base) - values["length"] / 2
    if style == "pickup":
        values["glass_rear"] = values["roof_rear"] + 0.012
        pillars = (0.455,) if values["roof_rear"] > 0.54 else ()
    if style in ("hatchback", "suv", "offroad", "estate") and rng.random() < 0.3:
        pillars = pillars[:1]
    return Body(style=style, axles=(front, front + base), pillars=tuple(values["length"] * (p - 0.5) for p in pillars),
                tyre=float(rng.uniform(0.19, 0.25) * (1.25 if style in ("supercar", "offroad") else 1)), **values)


@dataclass(frozen=True)
class Colours:
    """Who wears what: panels of the body are painted by height and by z."""

    paint: Material
    roof: Tuple[float, float, float]
    doors: Tuple[float, float, float]
    stripe: Tuple[float, float, float]
    lower: Tuple[float, float, float]
    cladding: bool
    striped: bool
    service: str = ""


def livery(rng, body, paint, old, open_top) -> Colours:
    plain_colours = Colours(paint, paint.colour, paint.colour, paint.colour, paint.colour, False, False)
    chance = rng.random() + 0.3 * open_top  # no open taxis
    white, black = (0.93, 0.93, 0.92), (0.07, 0.07, 0.08)
    if body.style in ("sedan", "suv", "estate", "hatchback", "minivan") and chance < 0.07:
        base = replace(plain_colours, service="police", striped=False)
        if rng.random() < 0.5:
            return replace(base, paint=Material(black, 0.7), roof=white, doors=white, lower=black)
        return replace(base, paint=Material(white, 0.7), roof=white, doors=(0.1, 0.2, 0.55), lower=white)
    if body.style in ("sedan", "minivan", "hatchback") and chance < 0.14:
        yellow = varied(rng, (238, 184, 30), 0.04)
        doors = black if rng.random() < 0.3 else yellow
        return replace(plain_colours, service="taxi", paint=Material(yellow, 0.6), roof=yellow, doors=doors,
                       lower=yellow)
    if old and rng.random() < 0.6:
        pale = varied(rng, (236, 232, 220), 0.03)
        if body.style == "microbus":
            return replace(plain_colours, roof=pale)
        return replace(plain_colours, roof=pale, lower=pale if rng.random() < 0.3 else paint.colour)
    if body.style in ("suv", "offroad", "pickup", "van") and rng.random() < 0.5:
        return replace(plain_colours, lower=(0.16, 0.16, 0.17), cladding=True)
    if body.style in ("muscle", "supercar", "coupe", "hatchback") and rng.random() < 0.3:
        dark = sum(paint.colour) < 1.2
        return replace(plain_colours, stripe=white if dark else black, striped=True,
                       roof=paint.colour)
    if body.style in ("hatchback", "suv", "supercar", "offroad") and rng.random() < 0.3:
        return replace(plain_colours, roof=pick(rng, (black, white)))
    return plain_colours

"""Shapes, class loudspeaker: boxes, towers, subwoofers, horns, round wireless ones, radios and sound bars."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.furniture import four_legs, frame_material
from recordio.shapes.loudspeaker_parts import drivers_front, look, speaker_body
from recordio.shapes.loudspeaker_small import computer_set, radio, round_speaker, sound_bar
from recordio.shapes.loudspeaker_stage import horn_speaker, sculpted_speaker, stage_monitor, stage_speaker
from recordio.shapes.placing import moved, turned
from recordio.shapes.primitives import box, cylinder, hexahedron, tube


@register("loudspeaker")
def loudspeaker(rng: np.random.Generator) -> Mesh:
    """A loudspeaker of one of a dozen styles, its drivers towards -z."""
    styles = {box_speaker: 5, tower_speaker: 5, subwoofer: 2, stand_speaker: 3, stage_speaker: 2, stage_monitor: 1,
              round_speaker: 4, radio: 3, sound_bar: 2, sculpted_speaker: 2, computer_set: 1, horn_speaker: 1}
    return concatenate(draw_style(rng, styles)(rng))


def box_speaker(rng: np.random.Generator) -> List[Mesh]:
    """A bookshelf loudspeaker: one or two drivers and a tweeter in a box, or behind cloth."""
    body, cone, rim = look(rng)
    width = rng.uniform(0.14, 0.30)
    height, depth = width * rng.uniform(1.35, 2.0), width * rng.uniform(0.85, 1.5)
    parts = speaker_body(rng, width, 0.0, height, depth, body)
    front = -depth / 2 - (0.008 if len(parts) > 1 else 0)
    if rng.random() < 0.2:
        cloth = box((-width * 0.45, height * 0.04, front - 0.015), (width * 0.45, height * 0.96, front + 0.02),
                    materials.grille(rng))
        return parts + [cloth]
    return parts + drivers_front(rng, width * 0.92, height * 0.05, height * 0.97, front,
                                 woofers=int(rng.choice([1, 1, 1, 2])), cone=cone, rim=rim, port=rng.random() < 0.35)


def tower_speaker(rng: np.random.Generator) -> List[Mesh]:
    """A floor-standing column: two to four drivers on a plinth or on spikes; the lower half behind cloth at times."""
    body, cone, rim = look(rng)
    width = rng.uniform(0.16, 0.28)
    height, depth = rng.uniform(0.85, 1.25), width * rng.uniform(1.0, 1.7)
    base = rng.uniform(0.02, 0.05)
    dark = materials.plain(30, 30, 32, gloss=0.4)
    if rng.random() < 0.6:
        flare = rng.uniform(1.05, 1.45)
        parts = [box((-width / 2 * flare, 0, -depth / 2 * flare), (width / 2 * flare, base, depth / 2 * flare), dark)]
    else:
        parts = four_legs(rng, "conical", (width * 0.4, -depth * 0.42, depth * 0.42), base + 0.01, 0.025, dark)
    top = base + height
    shape = rng.integers(4)
    if shape == 0:  # leaning back
        lean = rng.uniform(0.04, 0.12)
        x, z = width / 2, depth / 2
        corners = [(-x, base, -z), (x, base, -z), (-x, top, -z + lean), (x, top, -z + lean), (-x, base, z),
                   (x, base, z), (-x, top, z), (x, top, z)]
        parts.append(hexahedron(np.array(corners), body))
        made = drivers_front(rng, width, height * 0.35, height * 0.97, 0.0, woofers=int(rng.integers(2, 4)), cone=cone,
                             rim=rim)
        return parts + [moved(turned(part, "x", np.degrees(np.arctan2(lean, height))), y=base, z=-z) for part in made]
    parts += speaker_body(rng, width, base - 0.002, top, depth, body)
    front = min(float(part.vertices[:, 2].min()) for part in parts[-2:] if float(part.vertices[:, 1].max()) > base
                + 0.1)
    woofers = int(rng.integers(2, 5))
    if rng.random() < 0.3:
        cloth = box((-width * 0.44, base + 0.05, front - 0.012), (width * 0.44, base + height * 0.55, front + 0.02),
                    materials.grille(rng))
        return parts + [cloth] + drivers_front(rng, width, base + height * 0.57, top - 0.03, front, woofers=1,
                                               cone=cone, rim=rim)
    low = base + height * rng.choice([0.06, 0.3])
    return parts + drivers_front(rng, width, low, top - 0.03, front, woofers=woofers, cone=cone, rim=rim,
                                 port=low < base + height * 0.2)


def subwoofer(rng: np.random.Generator) -> List[Mesh]:
    """Nearly a cube with one big driver, in front or behind cloth, on short feet."""
    body, cone, rim = look(rng)
    width = rng.uniform(0.28, 0.45)
    height, depth = width * rng.uniform(0.95, 1.15), width * rng.uniform(0.95, 1.25)
    parts = four_legs(rng, "round", (width * 0.38, -depth * 0.38, depth * 0.38), 0.035, 0.045,
                      materials.plain(26, 26, 28))
    parts += speaker_body(rng, width, 0.03, height, depth, body)
    front = min(float(part.vertices[:, 2].min()) for part in parts)
    if rng.random() < 0.25:
        parts.append(box((-width * 0.46, 0.05, front - 0.02), (width * 0.46, height - 0.02, front + 0.02),
                         materials.grille(rng)))
        return parts
    return parts + drivers_front(rng, width, 0.04, height - 0.01, front, woofers=1, cone=cone, rim=rim, tweeter=False,
                                 port=rng.random() < 0.3)


def stand_speaker(rng: np.random.Generator) -> List[Mesh]:
    """A small box on a pillar stand, or on a tripod as on a stage."""
    body, cone, rim = look(rng)
    metal = frame_material(rng, metal=0.8)
    width = rng.uniform(0.16, 0.28)
    height, depth, rise = width * rng.uniform(1.4, 1.8), width * rng.uniform(1.0, 1.3), rng.uniform(0.45, 0.95)
    stand = []
    if rng.random() < 0.65:
        stand += [box((-width * 0.6, 0, -depth * 0.55), (width * 0.6, 0.02, depth * 0.55), metal),
                  box((-width * 0.42, rise - 0.015, -depth * 0.4), (width * 0.42, rise, depth * 0.4), metal)]
        pillars = int(rng.choice([1, 1, 2]))
        for x in ((0.0,) if pillars == 1 else (-width * 0.28, width * 0.28)):
            stand.append(box((x - 0.03, 0.01, -0.03), (x + 0.03, rise, 0.03), metal) if rng.random() < 0.5
                         else cylinder((x, 0.01, 0), 0.025, rise - 0.01, metal))
    else:
        rise += 0.3
        stand.append(cylinder((0, 0.12, 0), 0.018, rise - 0.11, metal, sides=10))
        for angle in (90, 210, 330):
            leg = tube([(0, rise * 0.5, -0.015), (0, 0.01, -rise * 0.36)], 0.012, metal, sides=6)
            brace = tube([(0, 0.16, -0.01), (0, rise * 0.22, -rise * 0.21)], 0.008, metal, sides=6)
            stand += [turned(leg, "y", angle), turned(brace, "y", angle)]
    parts = speaker_body(rng, width, rise - 0.003, rise + height, depth, body)
    front = min(float(part.vertices[:, 2].min()) for part in parts)
    return stand + parts + drivers_front(rng, width * 0.95, rise + height * 0.05, rise + height * 0.97, front,
                                         woofers=1, cone=cone, rim=rim)

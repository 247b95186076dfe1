"""Shapes, telephones with a large screen: smartphones and those with a letter keyboard. Metres, face towards -z."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import spindle
from recordio.shapes.materials import Material, pick, plain, varied
from recordio.shapes.outlines import rounded_rectangle, superellipse
from recordio.shapes.telephone_parts import (
    BLACK,
    SILVER,
    buttons,
    cameras,
    keypad,
    keys_texture,
    leaned,
    screen,
    shell,
    tile,
)


def smartphone(rng) -> List[Mesh]:
    """A slab with a large screen, in any age of the kind; sometimes in a case or on a dock."""
    width, tall = rng.uniform(0.060, 0.080), 0.0
    tall = width * rng.uniform(1.85, 2.2)
    thick = rng.uniform(0.0072, 0.0115)
    old = rng.random() < 0.35  # thick chin with a key
    look = shell(rng)
    frame = look if rng.random() < 0.5 else pick(rng, (SILVER, BLACK, plain(210, 180, 140, gloss=0.8)))
    corner = width * (rng.uniform(0.05, 0.2) if old else rng.uniform(0.13, 0.22))
    face = BLACK if rng.random() < 0.8 else plain(238, 238, 238, gloss=0.8)
    outline = rounded_rectangle(width, tall, corner)
    parts = [tile(outline, -thick / 2, thick / 2, frame, round_edge=rng.uniform(0.001, 0.0035), front=face, back=look)]
    margin = width * (rng.uniform(0.04, 0.08) if old else rng.uniform(0.025, 0.045))
    chin = tall * (rng.uniform(0.11, 0.15) if old else 0.0) + margin * (0 if old else 1.2)
    head = chin * rng.uniform(0.7, 1.0) if old else margin * 1.1
    high = tall - chin - head
    show = screen(rng)
    glass = rounded_rectangle(width - 2 * margin, high, 0.001 if old else max(corner - margin, 0.002), steps=2) + [0,
            (chin - head) / 2]
    parts.append(tile(glass, -thick / 2 - 0.0007, 0.0, BLACK, round_edge=0.0003, front=show))
    front = -thick / 2
    if old:
        key = rng.random()
        y = -tall / 2 + chin / 2
        if key < 0.5:
            r = chin * 0.32
            parts.append(spindle([(front - 0.0006, r * 0.8), (front - 0.0008, r), (front + 0.001, r)], frame,
                                 at=(0, y, 0), sides=14, cap=[face.colour, face.colour]))
        else:
            parts.append(tile(rounded_rectangle(width * 0.26, chin * 0.4, chin * 0.18, steps=2) + [0, y],
                              front - 0.0009, 0.0, frame))
        parts.append(tile(rounded_rectangle(width * 0.2, 0.0022, 0.001, steps=1) + [0, tall / 2 - head / 2],
                          front - 0.0005, 0.0, plain(60, 60, 62)))
    elif rng.random() < 0.6:  # notch or hole
        wide = pick(rng, (0.36, 0.08, 0.12)) * width
        y = tall / 2 - head - (0.0022 if wide > 0.2 * width else 0.005)
        parts.append(tile(rounded_rectangle(max(wide, 0.0045), 0.0050, 0.0022, steps=2) + [0, y], front - 0.0011, 0.0,
                          BLACK, round_edge=0.0002))
    parts += buttons(rng, width / 2, tall * 0.18, 0.0, frame)
    parts += cameras(rng, width / 2, tall / 2, thick / 2, look if rng.random() < 0.5 else BLACK)
    mark = rng.random()
    if mark < 0.5:
        tone = Material(tuple(np.clip(np.array(look.colour) * 1.5 + 0.1, 0, 1)), 0.8)
        parts.append(spindle([(thick / 2 - 0.001, 0.007), (thick / 2 + 0.0004, 0.007)], tone, at=(0, tall * 0.06, 0),
                             sides=12))
    if rng.random() < 0.16:  # a bumper case
        case = Material(varied(rng, pick(rng,
                                         ((30, 30, 32), (200, 60, 60), (60, 120, 180), (240, 150, 60),
                                          (230, 230, 235)))), 0.15)
        grow = rounded_rectangle(width + 0.005, tall + 0.005, corner + 0.0025)
        parts.append(tile(grow, -thick / 2 + 0.0012, thick / 2 + 0.0016, case, round_edge=0.002))
    if rng.random() < 0.08:  # a charging dock
        foot = plain(*pick(rng, ((236, 236, 236), (30, 30, 32))), gloss=0.4)
        y = -tall / 2
        parts = leaned(parts, rng.uniform(8, 14), (0, y, 0))
        parts.append(tile(rounded_rectangle(width * 0.9, 0.014, 0.004) + [0, y - 0.003], -0.026, 0.03, foot,
                          round_edge=0.003))
    return parts


def keyboard_phone(rng) -> List[Mesh]:
    """A wide phone with a letter keyboard below the screen (BlackBerry)."""
    width, tall, thick = rng.uniform(0.060, 0.074), rng.uniform(0.105, 0.122), rng.uniform(0.011, 0.016)
    look = shell(rng)
    face = BLACK if rng.random() < 0.6 else look
    frame = SILVER if rng.random() < 0.5 else look
    front = -thick / 2
    parts = [tile(rounded_rectangle(width, tall, width * rng.uniform(0.08, 0.2)), front, thick / 2, frame,
                  round_edge=0.003, front=face, back=look)]
    split = rng.uniform(-0.06, 0.04) * tall
    parts.append(tile(rounded_rectangle(width * 0.84, tall * 0.42 - split, 0.002, steps=1) + [0,
            split / 2 + 0.22 * tall + 0.004], front - 0.0008, 0.0, BLACK, round_edge=0.0003,
                      front=screen(rng)))
    y = split - 0.004
    parts.append(tile(superellipse(14, 2.6) * [0.006, 0.0055] + [0, y - 0.003], front - 0.0020, 0.0,
                      SILVER if rng.random() < 0.5 else BLACK, round_edge=0.0008))
    parts += keypad(2, 1, x=width * 0.42, y=y + 0.002, wide=width * 0.28, tall=0.009, z=front, look=face)
    parts += keypad(2, 1, x=-width * 0.14, y=y + 0.002, wide=width * 0.28, tall=0.009, z=front, look=face)
    high = tall / 2 + y - 0.017
    keys = keys_texture(rng, 10, 4, face, cap=pick(rng, (None, (0.12, 0.12, 0.13), (0.8, 0.8, 0.82))))
    parts.append(tile(rounded_rectangle(width * 0.92, high, 0.006, steps=2) + [0, -tall / 2 + high / 2 + 0.004],
                      front - 0.0018, 0.0, BLACK, round_edge=0.0008, front=keys))
    parts += buttons(rng, width / 2, tall * 0.15, 0.0, frame)
    parts += cameras(rng, width / 2, tall / 2, thick / 2, BLACK)[:6]
    return parts

"""Shapes, first step: what a part is made of, a plausible colour with gloss and a small procedural texture.

A texture is multiplied with the colour, so it only carries the pattern (grain, weave, veins) around white. It
repeats without a seam; u runs along the grain. Every function draws from the generator it is handed and from
nothing else.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

import numpy as np

SIDE = 64  # texels, side of every texture: one texel is about a pixel of a 137-pixel picture

# sRGB in 0..255, read off photographs and colour cards; the first entries are the usual ones
WOODS = ((196, 154, 104), (168, 120, 74), (128, 84, 50), (222, 186, 136), (92, 58, 38), (150, 82, 52), (205, 170, 125),
         (112, 74, 48), (236, 210, 170), (66, 44, 34), (182, 132, 92), (140, 108, 80), (120, 52, 34), (170, 160, 145))
FABRICS = ((120, 118, 116), (70, 76, 88), (176, 164, 146), (58, 82, 112), (140, 60, 54), (96, 112, 90), (206, 196, 178),
           (44, 46, 52), (160, 120, 80), (84, 122, 128), (190, 150, 70), (112, 72, 96), (226, 220, 210), (52, 84, 74),
           (168, 96, 66), (138, 148, 160), (72, 56, 50), (186, 128, 132), (34, 44, 70))
LEATHERS = ((52, 34, 26), (104, 60, 36), (32, 30, 30), (150, 92, 54), (116, 30, 28), (222, 212, 196), (84, 70, 58),
            (44, 58, 52), (182, 140, 98), (238, 236, 230))
PAINTS = ((240, 238, 232), (36, 38, 40), (224, 218, 204), (128, 134, 138), (66, 92, 110), (150, 170, 160),
          (98, 116, 92),
          (170, 62, 50), (212, 170, 74), (60, 70, 80), (196, 202, 206), (92, 52, 48), (104, 146, 158), (206, 186, 160))
PLASTICS = ((34, 34, 36), (238, 238, 236), (186, 40, 36), (232, 128, 36), (40, 92, 156), (240, 196, 56), (72, 140, 84),
            (120, 122, 126), (40, 150, 158), (206, 204, 198), (96, 60, 120), (230, 120, 140), (160, 190, 70))
METALS = {"chrome": (200, 204, 208), "steel": (150, 154, 158), "black": (34, 34, 36), "white": (232, 232, 230),
          "brass": (186, 148, 82), "copper": (176, 108, 74), "grey": (104, 108, 112), "bronze": (92, 74, 56)}
STONES = ((232, 230, 226), (70, 70, 72), (190, 184, 174), (146, 140, 132), (54, 64, 58), (214, 200, 180), (38, 38, 42))


@dataclass(frozen=True, eq=False)
class Material:
    """The surface of a part.

    Attributes:
        colour: (3,) sRGB in [0, 1].
        gloss: 0 matt to 1 polished.
        texture: (1, SIDE, SIDE, 3) uint8 sRGB multiplied with the colour, or None.
        scale: metres covered by one repeat of the texture along u (the grain) and v.
    """

    colour: Tuple[float, float, float] = (0.6, 0.6, 0.6)
    gloss: float = 0.2
    texture: Optional[np.ndarray] = None
    scale: Tuple[float, float] = (1.0, 1.0)

    def tinted(self, factor: float) -> Material:
        """The same material, darker (factor < 1) or lighter."""
        return replace(self, colour=tuple(float(c) for c in np.clip(np.asarray(self.colour) * factor, 0, 1)))

    def coloured(self, colour: Sequence[float]) -> Material:
        """The same surface in another colour, (3,) sRGB in 0..255."""
        return replace(self, colour=rgb(*colour))


def rgb(red: float, green: float, blue: float) -> Tuple[float, float, float]:
    """An sRGB colour in 0..255 as Material wants it, in [0, 1]."""
    return (red / 255.0, green / 255.0, blue / 255.0)


def plain(red: float, green: float, blue: float, *, gloss: float = 0.2) -> Material:
    """An untextured material of one sRGB colour in 0..255."""
    return Material(rgb(red, green, blue), gloss)


def varied(rng: np.random.Generator, colour: Sequence[float], amount: float = 0.06) -> Tuple[float, float, float]:
    """*colour* (0..255) with its lightness and hue shifted a little, as (3,) in [0, 1]."""
    colour = np.asarray(colour, np.float64) / 255.0
    shifted = colour * (1 + rng.normal(0, amount)) + rng.normal(0, amount / 4, 3)
    return tuple(float(channel) for channel in np.clip(shifted, 0.03, 0.97))


def pick(rng: np.random.Generator, options: Sequence, favour: float = 1.0):
    """One of *options*; with favour > 1 the first ones come more often."""
    return options[min(int(rng.random() ** favour * len(options)), len(options) - 1)]


def wood(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Varnished wood with grain along u."""
    colour = varied(rng, pick(rng, WOODS, 1.2) if colour is None else colour)
    return Material(colour, rng.uniform(0.1, 0.5), _grain(rng), (rng.uniform(0.9, 1.6), 0.4))


def planks(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Wood with dark joints across v, every board of another lightness."""
    base = wood(rng, colour)
    boards = int(rng.integers(3, 6))
    across = np.arange(SIDE) * boards / SIDE
    shade = rng.uniform(0.78, 1.0, boards)[across.astype(int)]
    shade[np.diff(np.floor(across), prepend=-1) > 0] = 0.45
    return replace(base, texture=_modulated(base.texture[0] / 255.0 * shade[:, None, None]), scale=(1.2, 0.5))


def fabric(rng: np.random.Generator, colour: Optional[Sequence[float]] = None, *, patterned: float = 0.25) -> Material:
    """Woven cloth; with probability *patterned* striped, checked, dotted or with a woven ornament."""
    colour = varied(rng, pick(rng, FABRICS, 1.2) if colour is None else colour, 0.09)
    weave = 0.97 + 0.03 * _noise(rng, 48, 48)
    if rng.random() < patterned:
        weave = weave[..., None] * _ornament(rng)
    elif rng.random() < 0.4:  # melange
        weave = weave * (0.97 + 0.03 * _noise(rng, 20, 20))
    scale = rng.uniform(0.25, 0.6)
    return Material(colour, rng.uniform(0.0, 0.08), _modulated(weave), (scale, scale))


def leather(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Leather: a soft sheen, worn in blotches."""
    colour = varied(rng, pick(rng, LEATHERS, 1.3) if colour is None else colour)
    worn = 0.94 + 0.03 * _noise(rng, 6, 6) + 0.04 * _noise(rng, 24, 24)
    return Material(colour, rng.uniform(0.25, 0.55), _modulated(worn), (0.7, 0.7))


def metal(rng: np.random.Generator, kind: Optional[str] = None) -> Material:
    """Metal of a *kind* of METALS or a common one; brushed in half of the cases."""
    kind = kind or pick(rng, ("chrome", "black", "steel", "black", "white", "brass", "grey", "bronze", "copper"), 1.4)
    gloss = float(rng.uniform(0.25, 0.5) if kind in ("black", "white", "grey") else rng.uniform(0.6, 0.95))
    texture = _modulated(0.93 + 0.07 * _noise(rng, 2, SIDE)) if kind != "chrome" and rng.random() < 0.5 else None
    return Material(varied(rng, METALS[kind], 0.04), gloss, texture, (0.6, 0.3))


def plastic(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Moulded plastic, matt to glossy."""
    colour = varied(rng, pick(rng, PLASTICS, 1.2) if colour is None else colour, 0.05)
    return Material(colour, rng.uniform(0.15, 0.7))


def paint(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Painted wood or sheet metal: interior colours, hardly a pattern."""
    colour = varied(rng, pick(rng, PAINTS, 1.3) if colour is None else colour, 0.05)
    return Material(colour, rng.uniform(0.1, 0.5), _modulated(0.985 + 0.015 * _noise(rng, 4, 24)), (1.0, 0.5))


def stone(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Polished stone with veins, or concrete."""
    colour = varied(rng, pick(rng, STONES) if colour is None else colour, 0.04)
    veins = np.exp(-np.abs(_noise(rng, 3, 3) + 0.5 * _noise(rng, 9, 9)) * rng.uniform(5, 14))
    pattern = 0.95 + 0.05 * _noise(rng, 12, 12) - rng.uniform(0.0, 0.35) * veins
    return Material(colour, rng.uniform(0.2, 0.7), _modulated(pattern), (0.9, 0.9))


def glass(rng: np.random.Generator) -> Material:
    """Dark or tinted glass as an opaque picture shows it: bluish or smoky, polished."""
    colour = pick(rng, ((150, 176, 178), (66, 78, 82), (176, 196, 192), (40, 46, 50), (120, 150, 140)))
    return Material(varied(rng, colour, 0.05), 0.95)


def wicker(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Rattan or cane: a basket weave."""
    colour = varied(rng, pick(rng, ((196, 160, 110), (120, 84, 54), (70, 54, 44), (222, 204, 170))) if colour is None
                    else colour)
    cells = 8
    u, v = np.meshgrid(np.arange(SIDE) * cells / SIDE, np.arange(SIDE) * cells / SIDE)
    over = (u.astype(int) + v.astype(int)) % 2
    strand = np.where(over == 1, np.sin(np.pi * (u % 1)), np.sin(np.pi * (v % 1)))
    return Material(colour, 0.1, _modulated(0.62 + 0.38 * strand + 0.05 * _noise(rng, 16, 16)), (0.3, 0.3))


def screen(rng: np.random.Generator, *, lit: float = 0.6) -> Material:
    """The glass of a display: dark, or with probability *lit* showing a desktop, a landscape or a film.

    The picture fills u, v in [0, 1] (v down); `primitives.with_picture` lays it on a face.
    """
    if rng.random() > lit:
        return Material(varied(rng, (24, 26, 30), 0.05), 0.9)
    v = np.linspace(0, 1, SIDE)[:, None, None]
    top, bottom = rng.uniform(0.15, 0.9, (2, 1, 1, 3))
    picture = np.broadcast_to(top + (bottom - top) * v, (SIDE, SIDE, 3)).copy()
    kind = rng.integers(3)
    if kind == 0:  # windows over a wallpaper, with a task bar
        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.integers(2, SIDE // 2, 2)
            wide, high = rng.integers(14, SIDE // 2, 2)
            picture[y:y + high, x:x + wide] = rng.uniform(0.8, 1.0)
            picture[y:y + 4, x:x + wide] = rng.uniform(0.2, 0.8, 3)
            picture[y + 7:y + high - 3:4, x + 3:x + wide - 4] = 0.55
        picture[-5:] = rng.uniform(0.1, 0.4)
    elif kind == 1:  # hills under a sky
        for level in (0.5, 0.7):
            ridge = (level + 0.1 * _noise(rng, 4, 1)[0]) * SIDE
            picture[np.arange(SIDE)[:, None] > ridge] = rng.uniform(0.1, 0.6, 3)
    else:
        picture *= 0.7 + 0.4 * _noise(rng, 3, 3)[..., None]
    return Material((0.95, 0.95, 0.95), 0.6, _modulated(picture))


def grille(rng: np.random.Generator, colour: Optional[Sequence[float]] = None) -> Material:
    """Loudspeaker cloth or perforated metal, dark unless *colour* (0..255) says otherwise."""
    colour = varied(rng, pick(rng, ((30, 30, 32), (48, 46, 46), (90, 88, 86), (60, 50, 44), (150, 146, 140)), 1.5)
                    if colour is None else colour)
    u, v = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    holes = 0.85 + 0.15 * np.cos(2 * np.pi * u / 8) * np.cos(2 * np.pi * v / 8)
    return Material(colour, 0.05, _modulated(holes + 0.05 * _noise(rng, 16, 16)), (0.2, 0.2))


def camouflage(rng: np.random.Generator, colours: Sequence) -> Material:
    """Blotches of two or three sRGB colours (0..255), one repeat per five metres."""
    field = np.zeros((SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE] * 2 * np.pi / SIDE
    for _ in range(7):
        a, b = rng.integers(-3, 4, 2)
        field += np.cos(a * x + b * y + rng.uniform(0, 6.3)) / (1 + 0.4 * np.hypot(a, b))
    level = np.digitize(field, np.quantile(field, np.linspace(0, 1, len(colours) + 1)[1:-1]))
    picture = np.asarray(colours, np.uint8)[level]
    return Material((1.0, 1.0, 1.0), 0.12, picture[None], (5.0, 5.0))


def window_row(*, wide: float, tall: float, exponent: float = np.inf) -> np.ndarray:
    """A texture stack of one: one dark window per repeat on white, *wide* and *tall* as shares of the repeat.

    *exponent* rounds it: 2 gives an ellipse, 4 a cabin window, inf a rectangle.
    """
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE * 2 - 1
    pane = np.linalg.norm(np.stack([u / wide, v / tall]), exponent, axis=0) < 1
    return _modulated(np.where(pane, 0.14, 1.0))


def _grain(rng: np.random.Generator) -> np.ndarray:
    """Year rings cut lengthwise: lines along u that wander, over fine pores."""
    rings = int(rng.integers(2, 8))
    v = np.arange(SIDE)[:, None] / SIDE
    wander = rng.uniform(0.2, 0.6) * _noise(rng, 2, 3) + 0.2 * _noise(rng, 1, 9) + 0.05 * _noise(rng, 5, 8)
    lines = 0.5 + 0.5 * np.sin(2 * np.pi * (rings * v + wander * 2))
    lines = lines * (0.55 + 0.45 * _noise(rng, 1, 5))  # some rings are faint: no zebra
    contrast = rng.uniform(0.05, 0.28)
    return _modulated(1 - contrast * lines ** 1.5 - 0.07 * (1 + _noise(rng, 2, SIDE)))


def _ornament(rng: np.random.Generator) -> np.ndarray:
    """(SIDE, SIDE, 3) pattern of a patterned cloth."""
    u, v = np.meshgrid(np.arange(SIDE) / SIDE, np.arange(SIDE) / SIDE)
    count = int(rng.integers(2, 6))
    kind = rng.integers(5)
    stripe = (np.floor(v * count * 2) % 2)
    if kind == 0:
        mask = stripe
    elif kind == 1:  # a check
        mask = (stripe + np.floor(u * count * 2) % 2) / 2
    elif kind == 2:  # dots
        mask = (((u * count) % 1 - 0.5) ** 2 + ((v * count) % 1 - 0.5) ** 2 < 0.08).astype(float)
    elif kind == 3:  # zigzag
        mask = (((v * count + np.abs(((u * count) % 1) - 0.5)) % 1) < 0.5).astype(float)
    else:  # blotches, as printed flowers look from afar
        mask = (_noise(rng, 5, 5) > 0.25).astype(float)
    second = np.clip(rng.uniform(0.55, 0.9) + rng.normal(0, 0.1, 3), 0.3, 1)
    return 1 + mask[..., None] * (second - 1)


def _noise(rng: np.random.Generator, along: int, across: int) -> np.ndarray:
    """(SIDE, SIDE) smooth seamless noise in about [-1, 1] with *along* blobs over u and *across* over v."""
    field = rng.uniform(-1, 1, (across, along))
    return _stretch(_stretch(field, 0), 1)


def _stretch(field: np.ndarray, axis: int) -> np.ndarray:
    """Periodic linear interpolation of *field* to SIDE samples along *axis*."""
    count = field.shape[axis]
    place = np.arange(SIDE) * count / SIDE
    low = place.astype(int)
    weight = place - low
    shape = (-1, 1) if axis == 0 else (1, -1)
    weight = (weight * weight * (3 - 2 * weight)).reshape(shape)  # smoothstep: no visible lattice
    return np.take(field, low, axis) * (1 - weight) + np.take(field, (low + 1) % count, axis) * weight


def _modulated(pattern: np.ndarray) -> np.ndarray:
    """A pattern around 1, (SIDE, SIDE) or (SIDE, SIDE, 3), as a texture stack of one."""
    if pattern.ndim == 2:
        pattern = pattern[..., None]
    return np.ascontiguousarray(
        np.broadcast_to(np.clip(pattern * 255, 0, 255).astype(np.uint8), (SIDE, SIDE, 3)))[None]

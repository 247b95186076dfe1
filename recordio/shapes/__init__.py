"""Shapes: parametric models of the 13 ShapeNet classes, so that a data set needs no download.

Flow: materials and outlines -> primitives and lofts -> the classes' modules -> catalogue (one normalised mesh) ->
samples. Each class's module registers its function when it is imported.
"""
from recordio.shapes import (
    airplane,
    bench,
    cabinet,
    car,
    chair,
    display,
    lamp,
    loudspeaker,
    rifle,
    sofa,
    table,
    telephone,
    watercraft,
)
from recordio.shapes.catalogue import SHAPES, list_shapes, make_shape, register

__all__ = ["SHAPES", "airplane", "bench", "cabinet", "car", "chair", "display", "lamp", "list_shapes", "loudspeaker",
           "make_shape", "register", "rifle", "sofa", "table", "telephone", "watercraft"]

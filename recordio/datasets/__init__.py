"""Datasets: published collections of photographs, and photographs of your own -> samples of the ShapeNet layout."""
from recordio.datasets.items import Found, Item, Photo, Shape
from recordio.datasets.making import Outcome, Task, make_item
from recordio.datasets.pascal3d import find_pascal3d
from recordio.datasets.photo_folder import find_photos
from recordio.datasets.pix3d import find_pix3d

__all__ = ["Found", "Item", "Outcome", "Photo", "Shape", "Task", "find_pascal3d", "find_photos", "find_pix3d",
           "make_item"]

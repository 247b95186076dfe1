"""HTTP: what comes in is checked before it is kept, what goes out carries its headers."""
from __future__ import annotations

from gluon_r2n2.serving.web.guard import Guard
from gluon_r2n2.serving.web.uploads import Uploads

__all__ = ["Guard", "Uploads"]

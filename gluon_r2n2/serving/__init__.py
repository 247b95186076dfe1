"""A trained network as a web application and REST API: `r2n2-serve`; see docs/serving.md.

Light on purpose: every worker process imports it. The server itself is in `gluon_r2n2.serving.server`.
"""
from __future__ import annotations

from gluon_r2n2.serving.config import Codecs, Limits, ServeConfig

__all__ = ["Codecs", "Limits", "ServeConfig"]

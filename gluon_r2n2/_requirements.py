"""Imported first by the package: mxnet works here, or one sentence says what is missing."""
from __future__ import annotations

from gluon_r2n2.environment import require

require("mxnet")

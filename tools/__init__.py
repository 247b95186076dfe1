"""Command-line tools; installed as `gluon_r2n2_tools`, run from a checkout as `python tools/NAME.py`."""
from gluon_r2n2_tools import _environment  # noqa: F401  (first: missing packages and libraries become one sentence)

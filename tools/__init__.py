"""Command-line tools; installed as `gluon_r2n2_tools`, run from a checkout as `python tools/NAME.py`."""

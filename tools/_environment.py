"""Imported first by all tools: where this machine lacks something, one sentence and exit code 2, no traceback.

So too for Ctrl-C while the packages are imported, which takes a second or two.
"""
from __future__ import annotations

import contextlib
import os
import sys

_previous = sys.excepthook


def _report(kind, error, trace):
    """The hook for uncaught errors: explains those of the environment, hands all others on."""
    if issubclass(kind, KeyboardInterrupt) and not hasattr(sys, "ps1"):
        processes = sys.modules.get("multiprocessing.process")
        if processes is None or processes.parent_process() is None:  # a worker's parent says it for all
            print(f"{os.path.basename(sys.argv[0])}: interrupted", file=sys.stderr)
        raise SystemExit(130)  # as cli.run returns
    sentence = _explain(error) if isinstance(error, (ImportError, OSError, AttributeError)) else None
    if sentence is None or hasattr(sys, "ps1"):  # ps1: an interactive session must not end
        _previous(kind, error, trace)
        return
    print(f"{os.path.basename(sys.argv[0])}: error: {sentence}", file=sys.stderr)
    raise SystemExit(2)  # the interpreter takes a SystemExit from this hook for its exit code


def _explain(error):
    # importing the package fails for the reasons it explains, but leaves its environment module behind
    with contextlib.suppress(Exception):
        import gluon_r2n2.environment  # noqa: F401
    environment = sys.modules.get("gluon_r2n2.environment")
    return environment.explain(error) if environment else None


sys.excepthook = _report

"""Ctrl-C and SIGTERM -> a flag that the training loop reads between two steps."""
from __future__ import annotations

import logging
import signal
import threading

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While this context is entered, the first SIGINT or SIGTERM sets `requested`; the second ends the process.

    Outside the main thread, where Python allows no handlers, it does nothing.
    """

    def __init__(self):
        self.requested = False
        self._previous = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        return self

    def __exit__(self, *error):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _on_signal(self, number, frame):
        self.requested = True
        logger.info("%s: finishing this step and saving; once more to quit at once", signal.Signals(number).name)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)  # ends the process even inside a long C++ call

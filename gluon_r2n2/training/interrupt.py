"""Ctrl-C and SIGTERM -> a flag that the training loop reads between two steps, and the end of waits."""
from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import threading
from typing import Iterator

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """What was going on inside `StopRequest.breakable` has been given up; as KeyboardInterrupt, it is no error."""


class StopRequest:
    """While this context is entered, the first SIGINT or SIGTERM sets `requested`; the second ends the process.

    Python calls its handlers between two lines of the main thread, which waits for MXNet most of the time: a step, or
    a minute. So a thread follows the signals as well; it answers the first one and makes way for the second at once.
    Outside the main thread, where Python allows no handlers, nothing of this happens.
    """

    def __init__(self):
        self.requested = False
        self._breaks = False
        self._left = contextlib.ExitStack()

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._left.callback(signal.signal, number, signal.signal(number, self._on_signal))
            reader, writer = os.pipe()
            os.set_blocking(writer, False)
            watcher = threading.Thread(target=_watch, args=(reader,), daemon=True, name="signals")
            watcher.start()
            self._left.callback(watcher.join)
            self._left.callback(os.close, writer)  # which ends the watcher
            self._left.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer, warn_on_full_buffer=False))
        return self

    def __exit__(self, *error):
        self._left.close()

    @contextlib.contextmanager
    def breakable(self) -> Iterator[None]:
        """Work that leaves nothing behind: a signal during it, or before, gives it up.

        Raises:
            Interrupted: there was a signal.
        """
        self._breaks = True
        try:
            if self.requested:
                raise Interrupted
            yield
        finally:
            self._breaks = False

    def _on_signal(self, number, frame):
        self.requested = True
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if self._breaks:
            raise Interrupted


def _watch(reader: int) -> None:
    """Wait for the number of a signal, which the system's own handler writes whatever the main thread is doing."""
    with open(reader, "rb", buffering=0) as numbers:
        for number in iter(lambda: numbers.read(1), b""):
            if number[0] in SIGNALS:
                for each in SIGNALS:  # signal.signal may not be called here; 0 is SIG_DFL, which ends the process
                    ctypes.pythonapi.PyOS_setsig(each, None)
                logger.info("%s: finishing this step and saving; once more to quit at once",
                            signal.Signals(number[0]).name)
                return

"""Loading: the bad records of an epoch - counted, reported at its end, and refused where they are many."""
from __future__ import annotations

import logging

from recordio.errors import DataError

POLICIES = ("error", "skip")  # on a bad record: stop, or leave it out
MOST = 0.1  # of the samples may be bad, and one always; more is no accident of a few bytes
NAMED = 3  # in the report

logger = logging.getLogger(__name__)


class BadRecords:
    """What an epoch of *count* samples of *split* has met so far.

    Attributes:
        found: key -> what is wrong, of each bad sample.
    """

    def __init__(self, split: str, count: int, *, replaced: bool):
        self.found: dict[str, str] = {}
        self._split, self._count, self._replaced = split, count, replaced

    def add(self, found: dict[str, str]) -> None:
        """Take note of bad samples.

        Raises:
            DataError: there are too many.
        """
        self.found.update(found)
        if len(self.found) > max(1, MOST * self._count):
            raise DataError(f"{len(self.found)} of {self._count} samples of split {self._split!r} are bad, more than "
                            f"may be left out ({MOST:.0%}); copy or pack the data set again: {self._named()}")

    def report(self, epoch: int) -> None:
        """Log the bad samples, if there are any."""
        if self.found:
            logger.warning("epoch %d: %d of %d samples of split %r are bad and were %s: %s", epoch, len(self.found),
                           self._count, self._split, "replaced by others" if self._replaced else "left out",
                           self._named())

    def _named(self) -> str:
        more = len(self.found) - NAMED
        return " | ".join(list(self.found.values())[:NAMED]) + (f" | and {more} more" if more > 0 else "")

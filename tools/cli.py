"""What all tools share: an argument parser that names the nearest valid flag, and one way to fail."""
from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from typing import Callable, Optional, Sequence, Tuple

from recordio.errors import DataError, nearest

USAGE_ERROR = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows every default, except where there is none to show (None, a switch) or the help tells it in words."""

    def _get_help_string(self, action):
        if action.required or action.nargs == 0 or action.default is None or "default:" in action.help:
            return action.help
        return super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one sentence, exit with 2 and name the nearest valid flag or value.

    Flags are never abbreviated: `--step` is a typo of `--steps`, not a synonym.
    """

    def __init__(self, **options):
        options.setdefault("formatter_class", HelpFormatter)
        super().__init__(allow_abbrev=False, **options)

    def parse_args(self, args=None, namespace=None):
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            flags = [flag for action in self._actions for flag in action.option_strings]
            flag = unknown[0].split("=")[0]
            self.error(f"unknown argument {unknown[0]!r}{nearest(flag, flags)}; see {self.prog} --help")
        return known

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            name = "/".join(action.option_strings) or action.metavar or action.dest
            raise argparse.ArgumentError(
                None, f"{name}: unknown value {value!r}{nearest(value, action.choices)}; "
                f"choose from {', '.join(map(str, action.choices))}")

    def error(self, message):
        self.exit(USAGE_ERROR, f"{self.prog}: error: {message}\n")


def integer(least: int, most: Optional[int] = None) -> Callable[[str], int]:
    """Make an argparse type: an integer of at least *least* and, where it is given, at most *most*."""
    def parse(text: str) -> int:
        value = int(text) if text.lstrip("+-").isdecimal() else None
        if value is None or value < least or (most is not None and value > most):
            wanted = f"of at least {least}" if most is None else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"wants an integer {wanted}, got {text!r}")
        return value

    return parse


positive_int = integer(1)


def positive_float(text: str) -> float:
    """An argparse type: a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = None
    if value is None or not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"wants a number above 0, got {text!r}")
    return value


def probability(text: str) -> float:
    """An argparse type: a number strictly between 0 and 1."""
    value = positive_float(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"wants a probability between 0 and 1, got {text!r}")
    return value


def job(text: str) -> Tuple[int, int]:
    """An argparse type: "i/n" with 1 <= i <= n."""
    words = text.split("/")
    if len(words) == 2 and all(word.isdecimal() for word in words) and 1 <= int(words[0]) <= int(words[1]):
        return int(words[0]), int(words[1])
    raise argparse.ArgumentTypeError(f"wants i/n with i from 1 to n, such as 1/8, got {text!r}")


def available_cpus() -> int:
    """The number of processors this process may use (affinity and containers respected where the system tells)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(main: Callable[[Optional[Sequence[str]]], Optional[int]], argv: Optional[Sequence[str]] = None) -> int:
    """Call ``main(argv)`` and turn what a user can cause into one sentence and an exit code.

    Returns main's own code (None counts as 0), 2 for bad input or an unusable disk, 130 for Ctrl-C. Anything
    else is a defect of ours and keeps its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    program = os.path.basename(sys.argv[0])
    if hasattr(sys.stdout, "reconfigure"):  # a name that the terminal has no letters for must not stop a tool
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = main(argv) or 0
        sys.stdout.flush()  # here, where a reader that went away or a full disk is explained
        return code
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away (a closed pager)
        _discard_output()
        return 1
    except OSError as error:
        print(f"{program}: error: {explain_os_error(error)}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # it is the output itself that does not fit; the interpreter would try once more at its end
            _discard_output()
        return USAGE_ERROR
    except MemoryError as error:
        print(f"{program}: error: the memory is too small for this ({error}); ask for less at a time, or for fewer "
              "pixels, cells or processes", file=sys.stderr)
        return USAGE_ERROR
    except UnicodeEncodeError as error:  # MXNet opens files by UTF-8 names only
        print(f"{program}: error: {error.object!a}: the name cannot be written in {error.encoding}; rename the file "
              "or folder, or set a UTF-8 locale such as LC_ALL=C.UTF-8", file=sys.stderr)
        return USAGE_ERROR
    except Exception as error:
        if not is_user_error(error):
            raise
        print(f"{program}: error: {error}", file=sys.stderr)
        return USAGE_ERROR


def _discard_output() -> None:
    """Send what is left of the standard output nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_user_error(error: BaseException) -> bool:
    """Whether *error* is the user's to mend: DataError, or ModelError (looked up only where it was imported)."""
    model_errors = sys.modules.get("gluon_r2n2.errors")
    return isinstance(error, (DataError,) + ((model_errors.ModelError,) if model_errors else ()))


def explain_os_error(error: OSError) -> str:
    """One sentence for a file-system error: which file, what failed, what to do."""
    advice = {
        errno.ENOSPC: "the disk is full; free some space or choose another folder",
        errno.EROFS: "the file system is read-only; choose another folder",
        errno.EACCES: "permission denied; choose a folder you may write to or read from",
        errno.ENOENT: "no such file or folder; check the path",
        errno.EEXIST: "it exists already and is not a folder; remove it or choose another name",
        errno.ENOTDIR: "a part of the path is a file, not a folder",
        errno.EISDIR: "it is a folder, a file was wanted",
    }.get(error.errno, error.strerror or str(error))
    return f"{error.filename}: {advice}" if error.filename else advice

"""What the measuring scripts share: a process for each measurement, and how many times to measure."""
import argparse
import multiprocessing


def alone(function, *values):
    """The function's result from a process of its own, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, values)


def number_of_runs(text: str) -> int:
    """An argparse type: how many times something is measured, at least once."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, not {text!r}")
    return int(text)

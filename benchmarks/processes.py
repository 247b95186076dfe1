"""A process for each measurement, so that its peak memory is its own."""
import multiprocessing


def alone(function, *values):
    """The function's result from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, values)

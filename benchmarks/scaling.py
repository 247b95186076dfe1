"""Training on 1 to 64 workers, on paper: bytes per step, seconds on the network, and the share of time left to work.

    python benchmarks/scaling.py                                      # the tables of docs/distributed.md
    python benchmarks/scaling.py --seconds 0.25 --gbit 10 25 100      # of workers whose own part takes 0.25 s
    python benchmarks/scaling.py --measure --width 0.25               # bytes and seconds of this machine's loopback

A step is taken to be the worker's own part and then the exchange, one after the other; each direction of a cable
carries the full rate, so that sending a sum back overlaps with what is sent meanwhile for others.
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Iterator, List

ROOT = Path(__file__).resolve().parent.parent
sys.path[:1] = [str(ROOT / "tools")]
import _checkout  # noqa: E402, F401

import gluon_r2n2  # noqa: E402  (before mxnet: it sets the number of threads)

# isort: split
import mxnet as mx  # noqa: E402
from mxnet import gluon  # noqa: E402

from gluon_r2n2 import distributed  # noqa: E402
from gluon_r2n2_tools import launch  # noqa: E402

FLOAT = 4  # bytes
PACKED = 1 / 16  # of a gradient, after 2-bit compression
WORKERS = (1, 2, 4, 8, 16, 32, 64)
NETWORKS = ("res3d_gru_3", "gru_3", "lstm_3", "gru_1", "lstm_1", "resnet18_gru_3", "mobilenetv2_gru_3")


def learning(model: str, width: float = 1.0) -> List[gluon.Parameter]:
    """The parameters of a network that have gradients."""
    net = gluon_r2n2.get_model(model, width=width)
    gluon_r2n2.initialise(net, mx.cpu(), 1)
    return [parameter for parameter in net.collect_params().values() if parameter.grad_req != "null"]


def busiest(gradient: float, workers: int, servers: int, *, sent: float = 1.0) -> float:
    """Bytes per step in the fuller direction of the fullest cable.

    Args:
        gradient: bytes of all gradients, which every worker sends and gets back as sums.
        workers: each on a machine of its own.
        servers: each on a machine of its own; 0: as many as workers, one beside each. What stays on a machine costs
            nothing.
        sent: share of the gradients that compression leaves of what workers send; sums come back whole.
    """
    if servers == 0:
        # to the other machines: its own gradients, but for a share, and to each of them the sums of its share
        return (workers - 1) / workers * gradient * (sent + 1)
    # a server takes in the gradients of all and gives the sums to all; a worker's own cable is never fuller than that
    return max(workers / servers, 1.0) * gradient * max(sent, 1.0)


def tables(options) -> Iterator[str]:
    yield "| network | parameters | a worker sends and gets, MB | with 2-bit compression, MB |\n|---|---|---|---|"
    for model in NETWORKS:
        count = sum(parameter.data().size for parameter in learning(model))
        size = FLOAT * count / 1e6
        yield f"| {model} | {count / 1e6:.1f} million | {size:.0f} + {size:.0f} | {size * PACKED:.1f} + {size:.0f} |"
    gradient = FLOAT * sum(parameter.data().size for parameter in learning(options.model, options.width))
    for own in options.seconds:
        yield f"\n{options.model}, {gradient / 1e6:.0f} MB of gradients, {own:g} s of a worker's own work per step:\n"
        heads = [f"{gbit:g} Gbit/s" for gbit in options.gbit]
        yield "| workers | servers | " + " | ".join(heads) + " |\n|---|---|" + "---|" * len(heads)
        for workers in WORKERS[1:]:
            for servers, title in ((1, "1, of its own"), (0, f"{workers}, beside the workers")):
                cells = []
                for gbit in options.gbit:
                    exchange = busiest(gradient, workers, servers) / (gbit * 1e9 / 8)
                    cells.append(f"{exchange:.2f} s, {100 * own / (own + exchange):.0f} %")
                yield f"| {workers} | {title} | " + " | ".join(cells) + " |"


def loopback() -> int:
    """Bytes that this machine has sent to itself."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[8])
    raise SystemExit("there is no interface lo")


def work(options) -> None:
    """As a worker: exchange gradients of the network's shapes, and nothing else; worker 0 prints."""
    parameters = learning(options.model, options.width)
    exchange = distributed.connect("dist_sync", compress=options.compress)
    optimiser = gluon.Trainer(parameters, "sgd", kvstore=None)
    scores = [mx.nd.zeros((2, 4))]

    def step() -> None:
        exchange.sum_gradients(optimiser, scores)[0].wait_to_read()
        mx.nd.waitall()

    step()
    exchange.gather([0])
    bytes_before, begun = loopback(), time.perf_counter()
    for _ in range(options.steps):
        step()
    exchange.gather([0])
    taken, sent = (time.perf_counter() - begun) / options.steps, (loopback() - bytes_before) / options.steps
    gradient = FLOAT * sum(parameter.data().size for parameter in parameters)
    share = 1 + (PACKED if options.compress else 1)
    if exchange.rank == 0:
        print(f"{options.model}, width {options.width:g}: {gradient / 1e6:.2f} MB of gradients in {len(parameters)} "
              f"arrays, {exchange.size} workers: {sent / 1e6:.2f} MB per step, "
              f"{exchange.size * share * gradient / 1e6:.2f} by the formula; {taken:.3f} s")
    exchange.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="res3d_gru_3")
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 0.25], help="of a worker's own work per step")
    parser.add_argument("--gbit", type=float, nargs="+", default=[1, 10, 25, 100], help="of the network, per direction")
    parser.add_argument("--measure", action="store_true", help="exchange on this machine and count")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--compress", type=float, help="threshold of 2-bit compression")
    parser.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.as_worker:
        work(options)
    elif options.measure:
        return launch.main(["-n", str(options.workers), "-s", str(options.servers), "--", *sys.argv, "--as-worker"])
    else:
        print("\n".join(tables(options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

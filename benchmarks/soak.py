"""The server under four times the load that it sustains: answers, memory, files, threads, and how it stops.

    python benchmarks/soak.py --json soak.json --minutes 10

Starts r2n2-serve on 127.0.0.1. Good requests in a closed loop give the sustainable rate (answers of 200 per second);
then --load times that rate is offered whatever the server does, a mixture of good, broken, oversized and abandoned
requests. It stops at --minutes or --most requests. Prints a table, and exits with 1 where a promise is broken.
"""
from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import os
import platform
import random
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence

from soak_clients import LEFT, NEVER, NO_RESULT, SHED, Answer, Kind, mixture, send
from soak_server import GAUGES, Sample, Server, sample

CLIENTS = 24  # of the closed loop: enough for full batches, fewer than the server accepts at a time
MOST_OPEN = 400  # connections at one time: what the limit on open files allows with room to spare
REST = 10.0  # seconds without load before the last sample
GROWTH = 0.10  # of the resident memory of the front, or of the workers, over the measured time, by a straight line
SPREAD = 1.5  # greatest by least resident memory after the warm-up
SPARE = 16  # file descriptors and threads that may be more after the load than before it
UNSENT = 0.01  # of the requests offered that may be held back, with MOST_OPEN connections open
SLOWEST = 0.5  # of the sustainable rate: good answers per second, under load and after it


async def watch(server: Server, start: float, every: float, samples: List[Sample]) -> None:
    """Append a sample *every* so many seconds, until cancelled."""
    while True:
        samples.append(await asyncio.get_running_loop().run_in_executor(None, sample, server, start))
        await asyncio.sleep(every)


async def closed_loop(port: int, kinds: Dict[str, Kind], seconds: float) -> float:
    """Answers of 200 per second, CLIENTS clients that each send the next request when the last is answered."""
    good = {name: kind for name, kind in kinds.items() if kind.allowed == {200} and kind.leaves_after is None}
    end, answers, numbers = time.monotonic() + seconds, [], random.Random(0)

    async def client() -> None:
        while time.monotonic() < end:
            name = numbers.choices(list(good), [kind.share for kind in good.values()])[0]
            answers.append(await send(port, name, good[name], len(answers)))

    start = time.monotonic()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(accepted(answers, good)) / (time.monotonic() - start)


def accepted(answers: Sequence[Answer], kinds: Dict[str, Kind]) -> List[Answer]:
    """The answers that are results, of clients that wait for them however long it takes."""
    return [answer for answer in answers if answer.status == 200 and not answer.failure
            and kinds[answer.kind].leaves_after is None]


async def open_loop(port: int, kinds: Dict[str, Kind], rate: float, seconds: float, most: int) -> Dict[str, Any]:
    """Offer *rate* requests per second, whatever comes back: {"answers": [...], "offered", "not_sent", "seconds"}.

    Arrivals are random and independent (a Poisson process). Requests beyond MOST_OPEN open connections are not sent.
    """
    numbers, answers, running, offered, not_sent = random.Random(1), [], set(), 0, 0
    start = due = time.monotonic()
    while offered < most:
        due += numbers.expovariate(rate)
        if due - start > seconds:
            break
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        offered += 1
        if len(running) >= MOST_OPEN:
            not_sent += 1
            continue
        name = numbers.choices(list(kinds), [kind.share for kind in kinds.values()])[0]
        task = asyncio.ensure_future(send(port, name, kinds[name], offered))
        running.add(task)
        task.add_done_callback(running.discard)
        task.add_done_callback(lambda task: task.cancelled() or answers.append(task.result()))
    lasted = time.monotonic() - start
    if running:
        await asyncio.wait(running)
    return {"answers": answers, "offered": offered, "not_sent": not_sent, "seconds": lasted}


def percentiles(values: Sequence[float]) -> Dict[str, float]:
    """{"p50", "p95", "p99", "max"} by nearest rank; empty for no values."""
    ordered = sorted(values)
    ranks = {f"p{share}": ordered[max(0, -(-share * len(ordered) // 100) - 1)] for share in (50, 95, 99) if ordered}
    return {**ranks, "max": ordered[-1]} if ordered else {}


def trend(samples: Sequence[Sample], name: str = "mib") -> Dict[str, float]:
    """Resident memory over the samples: the line of least squares and the range. {} for fewer than 3 samples."""
    if len(samples) < 3:
        return {}
    times, memory = [one.seconds for one in samples], [getattr(one, name) for one in samples]
    middle, mean = statistics.mean(times), statistics.mean(memory)
    slope = (sum((time - middle) * (mib - mean) for time, mib in zip(times, memory))
             / sum((time - middle) ** 2 for time in times))
    return {"mean_mib": mean, "min_mib": min(memory), "max_mib": max(memory), "mib_per_minute": slope * 60,
            "growth": slope * (times[-1] - times[0]) / mean if mean else 0.0}


def broken_promises(found: Dict[str, Any], stopped: Dict[str, Any]) -> List[str]:
    """What a server must hold under any load and did not, a sentence each; *found* is what `soak` returns."""
    before, after, rate = found["before"], found["after"], found["rate"]
    broken = wrong_answers(found["answers"], found["kinds"])
    if found["not_sent"] > UNSENT * found["offered"]:
        broken.append(f"{found['not_sent']} of {found['offered']} requests were not sent, with {MOST_OPEN} connections "
                      "open: less than the load was offered")
    under_load = len(accepted(found["answers"], found["kinds"])) / max(found["seconds"], 1e-9)
    for when, reached in (("under load", under_load), ("after it", found["rate_after"])):
        if reached < SLOWEST * rate:
            broken.append(f"{reached:.2f} good answers a second {when}, {rate:.2f} before it")
    for name, memory in found["memory"].items():
        if memory and memory["growth"] > GROWTH:
            broken.append(f"resident memory ({name}) grew by {memory['growth']:.0%} "
                          f"({memory['mib_per_minute']:.1f} MiB a minute)")
        if memory and memory["max_mib"] > SPREAD * memory["min_mib"]:
            broken.append(f"resident memory ({name}) between {memory['min_mib']:.0f} and {memory['max_mib']:.0f} MiB "
                          "after warm-up")
    for name, spare in (("descriptors", SPARE), ("threads", SPARE), ("processes", 0)):
        if getattr(after, name) > getattr(before, name) + spare:
            broken.append(f"{name}: {getattr(before, name)} before the load, {getattr(after, name)} after it")
    if after.zombies:
        broken.append(f"{after.zombies} zombie processes after the load")
    for name in GAUGES[:2]:
        if after.gauges.get(name, -1) != 0:
            broken.append(f"{name} is {after.gauges.get(name)} after the load, not 0")
    restarts = after.gauges.get(GAUGES[2], -1)
    if restarts != 0:
        broken.append(f"{GAUGES[2]} is {restarts} after the load, not 0: no request may cost a worker")
    if stopped["exit_code"] != 0:
        broken.append(f"SIGTERM: exit code {stopped['exit_code']} after {stopped['seconds']} s, not 0")
    if stopped["left_behind"]:
        broken.append("SIGTERM: processes of the server were left behind")
    return broken


def wrong_answers(answers: Sequence[Answer], kinds: Dict[str, Kind]) -> List[str]:
    """A sentence for each kind of answer that nobody should get, with how many did."""
    wrong: Dict[str, int] = collections.Counter()
    for answer in answers:
        if answer.status == LEFT:
            continue
        if answer.status == NEVER:
            # who leaves may meet a closed connection; everybody else is owed an answer
            if kinds[answer.kind].leaves_after is None:
                wrong[f"{answer.kind}: no answer ({answer.failure})"] += 1
        elif answer.status >= 500 and answer.status != 503:
            wrong[f"{answer.kind}: answered {answer.status}"] += 1
        elif answer.status not in kinds[answer.kind].allowed | SHED:
            wrong[f"{answer.kind}: answered {answer.status}, not {sorted(kinds[answer.kind].allowed | SHED)}"] += 1
        elif answer.status in SHED and not answer.retry_after:
            wrong[f"{answer.kind}: answered {answer.status} without Retry-After"] += 1
        elif answer.failure in ("internal", "cut off", NO_RESULT):
            wrong[f"{answer.kind}: answered 200, and then {answer.failure!r}"] += 1
    return [f"{count} x {sentence}" for sentence, count in sorted(wrong.items())]


async def soak(server: Server, options) -> Dict[str, Any]:
    """All phases; returns what was measured."""
    limits = json.loads(server.get("/v1/model"))["limits"]
    kinds = mixture(views=limits["views"], request_bytes=limits["request_bytes"])
    start, samples = time.monotonic(), []
    await closed_loop(server.port, kinds, min(5.0, options.calibrate))  # warm: every worker has worked
    rate = await closed_loop(server.port, kinds, options.calibrate)
    print(f"sustained: {rate:.1f} good requests a second with {CLIENTS} clients", flush=True)
    if not rate:
        raise SystemExit(f"soak: no good request was answered with a result:\n{server.log()}")
    before = sample(server, start)
    watching = asyncio.ensure_future(watch(server, start, options.every, samples))
    try:
        seconds = options.minutes * 60
        print(f"offered: {options.load:g} times that, {rate * options.load:.1f} a second, for {options.minutes:g} "
              "minutes", flush=True)
        result = await open_loop(server.port, kinds, rate * options.load, seconds, options.most)
    finally:
        watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching  # an error in it is one of the measurement
    await asyncio.sleep(REST)
    again = await closed_loop(server.port, kinds, min(10.0, options.calibrate))
    await asyncio.sleep(1.0)
    after = sample(server, start)
    # the first fifth warms up: buffers and pools of every worker reach the size of the largest request
    measured = samples[len(samples) // 5:]
    return {"kinds": kinds, "rate": rate, "rate_after": again, "before": before, "after": after, "samples": samples,
            "memory": {name: trend(measured, field) for name, field in
                       (("all", "mib"), ("front", "front_mib"), ("workers", "workers_mib"))}, **result}


def report(found: Dict[str, Any], stopped: Dict[str, Any], broken: Sequence[str], options, says: str) -> Dict[str, Any]:
    """What --json writes."""
    table: Dict[str, Any] = {name: collections.Counter() for name in found["kinds"]}
    failures: Dict[str, int] = collections.Counter()
    names = {LEFT: "left", NEVER: "none"}
    for answer in found["answers"]:
        table[answer.kind][names.get(answer.status, str(answer.status))] += 1
        failures[answer.failure] += bool(answer.failure)
    results = accepted(found["answers"], found["kinds"])
    totals = sum(table.values(), collections.Counter())
    return {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs", "server": says,
        "model": options.model, "load": options.load, "seconds": round(found["seconds"], 1),
        "sustainable_per_s": found["rate"], "sustainable_after_per_s": found["rate_after"],
        "offered": found["offered"], "offered_per_s": found["offered"] / max(found["seconds"], 1e-9),
        "not_sent": found["not_sent"], "accepted_per_s": len(results) / max(found["seconds"], 1e-9),
        "answers": dict(totals), "answers_by_kind": {name: dict(counts) for name, counts in table.items()},
        "failures": {name: count for name, count in failures.items() if name},
        "accepted_seconds": percentiles([answer.seconds for answer in results]),
        "accepted_seconds_by_kind": {name: percentiles([answer.seconds for answer in results if answer.kind == name])
                                     for name in found["kinds"]},
        "refused_seconds": percentiles([answer.seconds for answer in found["answers"] if answer.status in SHED]),
        "memory": found["memory"], "before": found["before"]._asdict(), "after": found["after"]._asdict(),
        "samples": [one._asdict() for one in found["samples"]], "stopped": stopped, "broken_promises": list(broken)}


def show(result: Dict[str, Any]) -> None:
    statuses = sorted(result["answers"])
    print(f"\n{'answers':<24}" + "".join(f"{status:>8}" for status in statuses))
    for name, counts in result["answers_by_kind"].items():
        print(f"{name:<24}" + "".join(f"{counts.get(status, 0) or '':>8}" for status in statuses))
    print(f"{'all':<24}" + "".join(f"{result['answers'][status]:>8}" for status in statuses))
    times = {key: f"{value:.2f}" for key, value in result["accepted_seconds"].items()}
    print(f"\naccepted: {result['accepted_per_s']:.1f} a second, seconds {times}; not sent: {result['not_sent']}")
    for name, memory in result["memory"].items():
        if memory:
            print(f"resident memory ({name}): {memory['min_mib']:.0f} to {memory['max_mib']:.0f} MiB, "
                  f"{memory['mib_per_minute']:+.2f} MiB a minute")
    for name in ("processes", "zombies", "descriptors", "threads"):
        print(f"{name}: {result['before'][name]} before the load, {result['after'][name]} after it")
    print(f"longest queue: {max((one['gauges'].get(GAUGES[0], 0) for one in result['samples']), default=0):g}; "
          f"SIGTERM: {result['stopped']}")
    print("\n".join(f"BROKEN: {sentence}" for sentence in result["broken_promises"]) or "all promises held")


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="procedural", help="as r2n2-serve takes it (%(default)s)")
    parser.add_argument("--minutes", metavar="N", type=float, default=10.0, help="under load (%(default)s)")
    parser.add_argument("--load", metavar="X", type=float, default=4.0, help="times the sustainable rate (%(default)s)")
    parser.add_argument("--most", metavar="N", type=int, default=200_000, help="requests in all (%(default)s)")
    parser.add_argument("--calibrate", metavar="S", type=float, default=20.0,
                        help="seconds in which the sustainable rate is found (%(default)s)")
    parser.add_argument("--every", metavar="S", type=float, default=5.0, help="seconds between samples (%(default)s)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results here")
    parser.add_argument("flags", metavar="-- FLAGS", nargs="*", help="after --: further flags of r2n2-serve")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by SIGTERM too, the server is not left behind
    with Server(options.model, options.flags) as server:
        print(server.says, flush=True)
        found = asyncio.run(soak(server, options))
        stopped = server.stop()
        broken = broken_promises(found, stopped)
        result = report(found, stopped, broken, options, server.says)
        show(result)
        if broken:
            print(f"\nend of the server's log:\n{server.log()}")
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

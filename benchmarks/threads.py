"""What the settings of threads, affinity and waiting do to inference and training, in one run.

    python benchmarks/threads.py --json threads.json

Full-size Res3D-GRU-3, one process for each setting, asked in turn. The settings are variables of the environment,
which MXNet and OpenMP read when they are loaded; `default` is what the package itself sets
(gluon_r2n2/_requirements.py).
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from unittest import mock

from processes import number_of_runs
from speed import Subject
from speed_sides import Case

CORES = os.cpu_count() or 1
SETTINGS = {
    "default": {},
    "as mxnet alone (half of the cores)": {"OMP_NUM_THREADS": str(max(1, CORES // 2))},
    "twice as many threads": {"OMP_NUM_THREADS": str(2 * CORES)},
    "bound to cores": {"OMP_PROC_BIND": "true"},
    "waiting threads sleep": {"OMP_WAIT_POLICY": "passive"},
    "waiting threads spin": {"OMP_WAIT_POLICY": "active"},
    "four engine threads": {"MXNET_CPU_WORKER_NTHREADS": "4"},
    "four scratch areas": {"MXNET_CPU_TEMP_COPY": "4"},
}
MODEL = "res3d_gru_3"
CASES = {"inference 1 x 1": Case(MODEL, "forward", 1, 1), "inference 1 x 5": Case(MODEL, "forward", 1, 5),
         "training step 4 x 3": Case(MODEL, "step", 4, 3)}


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=number_of_runs, default=7, help="timed runs per setting and case (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    rows = []
    for title, case in CASES.items():
        subjects = {}
        for name, variables in SETTINGS.items():
            with mock.patch.dict(os.environ, variables):
                subjects[name] = Subject("gluon-r2n2", case, None, None)
            subjects[name].ask("run")
        for _ in range(args.runs + 1):
            for subject in subjects.values():
                subject.times.append(subject.ask("run"))
        print(f"\n| {title} | seconds | of the default |\n|---|---|---|")
        default = statistics.median(subjects["default"].times[1:])
        for name, subject in subjects.items():
            seconds = statistics.median(subject.times[1:])
            rows.append({"case": title, "setting": name, "variables": SETTINGS[name], "seconds": seconds})
            given = "".join(f" `{key}={value}`" for key, value in SETTINGS[name].items())
            print(f"| {name}{given} | {seconds:.3f} | {seconds / default:.2f} |", flush=True)
            subject.close()
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

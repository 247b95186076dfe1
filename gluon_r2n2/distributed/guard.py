"""One process of a job, on its own machine: started, signalled and ended as the launcher says.

Run as a file, on this machine or over ssh, so it takes nothing but the standard library. Its standard input is the
line to the launcher: first a line of JSON (see `main`), then names of signals to hand on, one per line; where it ends,
because the launcher is gone or the connection cut, the process is killed, and so is whatever it has started. What the
process prints passes through; the guard's own words begin with MARK: `pid N`, then `exit CODE`, negative for a signal.
"""
from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading

MARK = "\x1e"  # no program prints it by chance


def main() -> int:
    """Run the process that the first line of the standard input describes; return 0 where it did.

    The line is a JSON object: ``command`` (arguments), ``folder`` (to start in), ``environment`` (variables to set),
    ``silence`` (seconds without a line from the launcher that mean the connection is lost; null: none do).
    """
    with open(0, "rb", buffering=0, closefd=False) as line:  # unbuffered: what follows is for `obey`
        order = json.loads(line.readline())
    environment = {**os.environ, **order["environment"]}
    environment.pop("PORT", None)  # the parameter server would listen there, all processes of a machine at once
    if "DMLC_INTERFACE" not in environment:  # left to itself the parameter server takes the first interface it finds
        root = environment["DMLC_PS_ROOT_URI"], int(environment["DMLC_PS_ROOT_PORT"])
        environment.setdefault("DMLC_NODE_HOST", own_address(*root))
    try:
        # a session of its own: Ctrl-C in the terminal reaches the launcher only, and one kill reaches all it starts
        process = subprocess.Popen(order["command"], cwd=order["folder"], env=environment, stdin=subprocess.DEVNULL,
                                   start_new_session=True, preexec_fn=die_with_parent)
    except OSError as error:
        print(f"{error.filename or order['command'][0]}: {error.strerror}", file=sys.stderr)
        return 1
    say(f"pid {process.pid}")
    watch = threading.Thread(target=obey, args=(process, order["silence"]), daemon=True)
    watch.start()
    code = process.wait()
    kill_group(process.pid)  # what it left behind
    say(f"exit {code}")
    return 0


def own_address(host: str, port: int) -> str:
    """The address of this machine by which it reaches *host*: where the others can reach it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))  # sends nothing
        return probe.getsockname()[0]


def obey(process: subprocess.Popen, silence) -> None:
    """Hand signals on until the launcher has gone; then kill."""
    waiting = b""
    while True:
        ready, _, _ = select.select([0], [], [], silence)
        block = os.read(0, 4096) if ready else b""
        if not block:
            kill_group(process.pid)
            return
        *lines, waiting = (waiting + block).split(b"\n")
        for line in filter(None, lines):  # an empty line only says that the launcher is there
            process.send_signal(signal.Signals[line.decode()])


def kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def die_with_parent() -> None:
    """In the new process: be killed when the guard is, where the system can do that (Linux)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass


def say(text: str) -> None:
    try:
        os.write(1, f"{MARK}{text}\n".encode())
    except OSError:
        pass  # nobody listens any more


if __name__ == "__main__":
    sys.exit(main())

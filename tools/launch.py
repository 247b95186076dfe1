"""Train on several workers: starts them, servers and scheduler, here or over ssh, and ends all when one fails."""
from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2.distributed.hosts import HERE, Host, meeting_point, place, read_hosts
from gluon_r2n2.distributed.launcher import Job, run_job
from gluon_r2n2_tools import cli

# a key or an agent, never a question; a machine that falls silent is given up after 40 seconds
SSH = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=10 -o ServerAliveCountMax=3"


def parse(argv):
    """Return the options and the command after `--`."""
    place_of_command = argv.index("--") if "--" in argv else len(argv)
    parser = cli.Parser(prog="r2n2-launch", description=__doc__, usage="%(prog)s [options] -- COMMAND ...",
                        epilog="COMMAND is run by every worker; example: -n 2 -s 1 -- tools/train.py --data D --run R "
                               "--kv-store dist_sync; with --resume behind it goes on after an interruption")
    parser.add_argument("-n", "--workers", metavar="N", type=cli.positive_int, required=True,
                        help="workers, which share every batch")
    parser.add_argument("-s", "--servers", metavar="N", type=cli.positive_int, default=1,
                        help="servers, which add up what the workers send")
    parser.add_argument("--host-file", metavar="FILE", type=Path,
                        help="the machines, a name per line, perhaps with slots=N (default: this one)")
    parser.add_argument("--ssh", metavar="COMMAND", default=SSH, help="what runs a command on another machine")
    parser.add_argument("--scheduler-host", metavar="ADDRESS",
                        help="this machine as the others reach it (default: the address that leads to the first)")
    parser.add_argument("--port", metavar="N", type=cli.integer(1, 65535),
                        help="of the scheduler on this machine (default: a free one)")
    parser.add_argument("--env", metavar="NAME", nargs="+", default=[],
                        help="environment variables to hand on to other machines, besides PYTHONPATH and those that "
                             "begin with MXNET_, OMP_, DMLC_ or PS_ (default: none)")
    options = parser.parse_args(argv[:place_of_command])
    command = argv[place_of_command + 1:]
    if not command:
        parser.error("wants -- and then the command of the workers, such as -- tools/train.py --data D --run R "
                     "--kv-store dist_sync")
    if not shlex.split(options.ssh):
        parser.error("--ssh: wants a command, got none")
    unset = [name for name in options.env if name not in os.environ]
    if unset:
        parser.error(f"--env: {unset[0]} is not set in this environment; set it, or leave it out")
    return options, command


def run(argv=None) -> int:
    argv = [str(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    options, command = parse(argv)
    hosts = read_hosts(options.host_file) if options.host_file else [Host(HERE)]
    workers = place(hosts, options.workers)
    servers = place([Host(host.name) for host in hosts], options.servers)  # slots are the workers'
    root = meeting_point(workers + servers, address=options.scheduler_host, port=options.port)
    script = sys.argv[0]
    program = ["python", script] if script.endswith(".py") else [os.path.basename(script)]
    launched_by = " ".join(map(shlex.quote, program + argv[:argv.index("--") + 1]))
    job = Job(command, workers, servers, root, launched_by, shlex.split(options.ssh), options.env)
    outcome = run_job(job, lambda text, stream: print(text, file=stream, flush=True))
    if outcome.message:
        print(f"{os.path.basename(script)}: error: {outcome.message}", file=sys.stderr)
    return outcome.code


def main(argv=None) -> int:
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())

"""A trained network as a web application and REST API, on this machine only unless told otherwise."""
from __future__ import annotations

import errno
import ipaddress
import logging
import os
import resource
import socket
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2.deployment import list_pretrained
from gluon_r2n2.errors import ModelError
from gluon_r2n2.serving.config import BACKLOG, LEAST_TOKEN, MOST_OBJECTS, Limits, ServeConfig
from gluon_r2n2_tools import cli

TOKEN = "R2N2_TOKEN"  # the environment variable


def parse(argv=None):
    limits, defaults = Limits(), ServeConfig("")
    parser = cli.Parser(prog="r2n2-serve", description=__doc__, epilog=f"The environment variable {TOKEN} may hold the "
                        "token, instead of --token-file. docs/serving.md has the API, the metrics and the limits.")
    parser.add_argument("model", metavar="MODEL", help="exported model, run or checkpoint (a folder), or the name of a "
                        "model that comes along: " + ", ".join(list_pretrained()))
    network = parser.add_argument_group("network")
    network.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="address to listen on; 127.0.0.1 is "
                         "reached from this machine only, 0.0.0.0 from every network it is in")
    network.add_argument("--port", metavar="N", type=cli.integer(0, 65535), default=8000, help="port; 0: a free one")
    network.add_argument("--token-file", metavar="FILE", type=Path, help=f"file with the token, of at least "
                         f"{LEAST_TOKEN} characters, that clients must send (default: anybody may use the server)")
    network.add_argument("--allowed-hosts", metavar="NAMES", help="comma-separated names under which browsers may call "
                         "the server (default: where it listens on this machine alone, the machine's own; else any)")
    engine = parser.add_argument_group("engine")
    engine.add_argument("--engine", metavar="NAME", help="what computes: mxnet, onnxruntime or openvino (default: the "
                        "best one installed)")
    engine.add_argument("--precision", choices=("float32", "bfloat16"), default=defaults.precision,
                        help="of the computation")
    engine.add_argument("--threads", metavar="N", type=cli.positive_int, help="processors for the engine (default: its "
                        "own choice)")
    engine.add_argument("--workers", metavar="N", type=cli.positive_int, default=min(4, cli.available_cpus()),
                        help="processes that decode pictures and make surfaces")
    engine.add_argument("--max-batch", metavar="N", type=cli.integer(1, MOST_OBJECTS), default=defaults.max_batch,
                        help="objects of different requests that are computed together")
    engine.add_argument("--batch-window", metavar="MS", type=milliseconds, default=defaults.batch_window * 1e3,
                        help="milliseconds to wait for more of them")
    load = parser.add_argument_group("load")
    load.add_argument("--queue", metavar="N", type=cli.positive_int, default=defaults.queue,
                      help="requests accepted and not yet answered; the next is answered 429")
    load.add_argument("--timeout", metavar="S", type=cli.positive_float, default=defaults.timeout,
                      help="seconds within which a request is answered or given up; it may ask for less")
    load.add_argument("--engine-timeout", metavar="S", type=cli.positive_float, default=defaults.engine_seconds,
                      help="seconds after which an engine that gives no result counts as hanging and is replaced")
    load.add_argument("--drain", metavar="S", type=cli.positive_float, default=defaults.drain,
                      help="seconds that running requests get after SIGTERM or Ctrl-C")
    load.add_argument("--max-views", metavar="N", type=cli.positive_int, default=limits.views,
                      help="pictures of one object")
    load.add_argument("--max-file-bytes", metavar="N", type=cli.positive_int, default=limits.file_bytes,
                      help="of one picture's file")
    load.add_argument("--max-request-bytes", metavar="N", type=cli.positive_int, default=limits.request_bytes,
                      help="of one request")
    load.add_argument("--max-pixels", metavar="N", type=cli.positive_int, default=limits.pixels,
                      help="of one picture")
    load.add_argument("--quiet", action="store_true", help="do not print a line for each request")
    return parser.parse_args(argv)


def milliseconds(text: str) -> float:
    """An argparse type: a number of at least 0."""
    return 0.0 if text.strip() == "0" else cli.positive_float(text)


def run(argv=None) -> int:
    options = parse(argv)
    # not above: the worker processes import this module again, and need none of it
    from gluon_r2n2.serving.server import serve
    from gluon_r2n2_tools.serve_codecs import CODECS

    # its warnings are of clients that speak no HTTP, or ask for web sockets: those it would have us install
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it remarks on every odd form
    config = configuration(options)
    with listen(options.host, options.port) as listening:
        address = listening.getsockname()
        url = f"http://{f'[{address[0]}]' if ':' in address[0] else address[0]}:{address[1]}"
        explain(options, config)
        try:
            serve(config, CODECS, listening,
                  lambda engine: print(f"serving {options.model} with {engine} on {url}", flush=True))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # of two that were started together only one can listen in the end
                raise
            raise cannot_listen(options.host, options.port, error) from None
    return 0


def configuration(options) -> ServeConfig:
    """The options as a ServeConfig."""
    limits = Limits(views=options.max_views, file_bytes=options.max_file_bytes, pixels=options.max_pixels,
                    request_bytes=options.max_request_bytes, connections=connections(options.workers),
                    upload_bytes=max(Limits().upload_bytes, 2 * options.max_request_bytes))
    return ServeConfig(
        model=options.model, engine=options.engine, precision=options.precision, threads=options.threads,
        workers=options.workers, max_batch=options.max_batch, batch_window=options.batch_window / 1e3,
        max_batch_views=max(ServeConfig("").max_batch_views, options.max_views), queue=options.queue,
        timeout=options.timeout, engine_seconds=options.engine_timeout, drain=options.drain,
        token=token(options.token_file), hosts=hosts(options), quiet=options.quiet, limits=limits)


def connections(workers: int) -> int:
    """How many connections may be open: fewer than usual where the system grants few open files (`ulimit -n`).

    The program's own limit is raised first as far as it may. Without a free file asyncio fills the log with tracebacks.
    """
    usual, own = Limits().connections, 48 + 8 * workers  # own: libraries, pipes and sentinels
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = usual + 3 * BACKLOG + own  # so many may have been taken from the port before the first is counted
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return usual
    if soft < wanted - usual + 16:
        raise ModelError(f"only {soft} files may be open at one time, at least {wanted - usual + 16} are needed; raise "
                         "the limit (ulimit -n)")
    return soft - (wanted - usual)


def token(file):
    """The token of the file or of the environment; None where there is none."""
    value, source = os.environ.pop(TOKEN, None), TOKEN  # the processes that decode pictures must not see it
    if file is not None:
        value, source = file.read_bytes().decode("latin-1").strip(), str(file)  # what is no ASCII is refused below
    if value is None:
        return None
    if len(value) < LEAST_TOKEN or not value.isascii() or not value.isprintable() or " " in value:
        raise ModelError(f"{source}: the token must be at least {LEAST_TOKEN} letters, digits or signs without spaces, "
                         f"got {len(value)} characters; make one with: openssl rand -hex 32")
    return value


def hosts(options):
    """The names under which the server may be called; empty: any.

    On this machine only its own names: a page of another site could otherwise point a name of its own here, and read
    the answers (DNS rebinding).
    """
    if options.allowed_hosts is not None:
        names = tuple(name.strip().lower() for name in options.allowed_hosts.split(",") if name.strip())
        if not names:
            raise ModelError("--allowed-hosts: names no host; give names as in localhost,models.example.org")
        return names
    return ("localhost", "127.0.0.1", "[::1]", options.host.lower()) if is_loopback(options.host) else ()


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def explain(options, config: ServeConfig) -> None:
    """Say in one line who can reach the server, on the standard error."""
    if is_loopback(options.host):
        print(f"listening on {options.host}: only programs on this machine reach the server", file=sys.stderr)
    elif config.token is None:
        print(f"WARNING: listening on {options.host} without a token: everybody who reaches this machine can use the "
              "server; set --token-file, or keep to --host 127.0.0.1", file=sys.stderr)
    else:
        print(f"listening on {options.host}: everybody who reaches this machine and has the token can use the server; "
              "it is sent unencrypted, so put a TLS proxy in front", file=sys.stderr)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; uvicorn begins to listen when the model is loaded."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError):  # UnicodeError: no name can be written so
        raise ModelError(f"--host {host}: no address of this machine; give one such as 127.0.0.1") from None
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise cannot_listen(host, port, error) from None
    bound.set_inheritable(False)
    return bound


def cannot_listen(host: str, port: int, error: OSError) -> ModelError:
    """The sentence for an address that is taken, is not this machine's, or is for others."""
    return ModelError(f"--host {host} --port {port}: {error.strerror}; choose another, or --port 0 for a free port")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())

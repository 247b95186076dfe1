"""The container files, the cluster's manifests, CI's script and the soak test's arithmetic against what they promise.

No image is built and no cluster is asked here: the files are read as their programs read them.
"""
from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml

from gluon_r2n2 import ModelError, environment
from gluon_r2n2_tools import reconstruct

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))
import soak  # noqa: E402
import soak_clients  # noqa: E402
import soak_server  # noqa: E402

DOCKERFILES = ("Dockerfile.cpu", "Dockerfile.cuda112")


def instructions(name):
    """[(instruction, the rest of it)] of a Dockerfile, continued lines joined, comments left out."""
    lines = [line for line in (ROOT / "docker" / name).read_text().splitlines()
             if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines()]


def manifests(name):
    return list(yaml.safe_load_all((ROOT / "kubernetes" / name).read_text()))


def only(documents, kind):
    found, = [document for document in documents if document["kind"] == kind]
    return found


def help_of(main, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    return capsys.readouterr().out


# containers -------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_are_built_in_two_stages_from_a_pinned_base(name):
    steps = instructions(name)
    base, = [rest for word, rest in steps if word == "ARG" and rest.startswith("BASE=")]
    tag = base.partition("=")[2].rpartition(":")[2]
    assert re.search(r"\d{8}|\d+\.\d+\.\d+", tag), f"{tag} moves"
    assert [rest for word, rest in steps if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    final = steps[max(number for number, (word, _) in enumerate(steps) if word == "FROM"):]
    installed = " ".join(rest for word, rest in final if word == "RUN")
    for package in environment.ALL_PACKAGES.split():
        assert re.search(rf"\s{re.escape(package)}\s", installed), f"{package} is not in the image"
    assert not re.search(r"\bpip\b|gcc|build-essential|python3-venv|-dev\b", installed)
    for word, rest in steps:
        if word == "RUN" and "apt-get install" in rest:
            assert "--no-install-recommends" in rest and "rm -rf /var/lib/apt/lists/*" in rest
        for call in re.findall(r"pip (?:--python \S+ )?(?:install|wheel)[^&]*", rest if word == "RUN" else ""):
            assert "--no-cache-dir" in call


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_run_as_nobody_and_hear_signals(name):
    steps = instructions(name)
    users = [rest for word, rest in steps if word == "USER"]
    assert users == ["10001:10001"] and [word for word, _ in steps].index("USER") > len(steps) - 7
    for word, rest in steps:
        if word in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(part, str) for part in json.loads(rest)), f"{word} would start a shell"
    settings = dict(pair.split("=", 1) for word, rest in steps if word == "ENV" for pair in rest.split())
    for variable in ("HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):  # the root file system may be read-only
        assert settings[variable].split("/")[1] == "tmp"


def test_the_cpu_image_serves_and_is_asked_whether_it_is_ready():
    steps = instructions("Dockerfile.cpu")
    last = dict(steps)
    assert json.loads(last["ENTRYPOINT"]) == ["r2n2-serve", "--host", "0.0.0.0", "--port", last["EXPOSE"]]
    assert json.loads(last["CMD"]) == ["/model"] and ("COPY", "${MODEL} /model") in steps
    model = next(rest for word, rest in steps if word == "ARG" and rest.startswith("MODEL=")).partition("=")[2]
    assert (ROOT / model / "r2n2.json").is_file()
    check = json.loads(last["HEALTHCHECK"].partition("CMD")[2])
    assert check[:2] == ["python", "-c"] and f"http://127.0.0.1:{last['EXPOSE']}/readyz" in check[2]
    compile(check[2], "HEALTHCHECK", "exec")


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_is_copied_is_sent_to_the_builder_and_nothing_else(name):
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()
    sources = [word for step, rest in instructions(name) if step == "COPY" and "--from" not in rest
               for word in rest.split()[:-1] if "$" not in word]
    assert sources and all((ROOT / source).exists() for source in sources)
    assert set(sources) == set(kept) - {"out/model"}
    extras, = [rest.partition("=")[2].split(",") for word, rest in instructions(name)
               if word == "ARG" and rest.startswith("EXTRAS=")]
    text = (ROOT / "setup.py").read_text()
    assert all(f'    "{extra}": [' in text for extra in extras)


# cluster ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("file, kind", [("serve.yaml", "Deployment"), ("reconstruct-job.yaml", "Job")])
def test_pods_have_no_rights(file, kind):
    pod = only(manifests(file), kind)["spec"]["template"]["spec"]
    user = dict(instructions("Dockerfile.cpu"))["USER"].split(":")
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert [str(pod["securityContext"][key]) for key in ("runAsUser", "runAsGroup")] == user
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                "capabilities": {"drop": ["ALL"]}}
        assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
        assert not container["image"].endswith(":latest") and ":" in container["image"]
        writable = {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
        assert writable <= {"/tmp", "/results"}


def test_the_deployment_and_the_server_agree(capsys):
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    from gluon_r2n2.serving.metrics import Metrics
    from gluon_r2n2_tools import serve

    documents = manifests("serve.yaml")
    deployment = only(documents, "Deployment")
    pod = deployment["spec"]["template"]
    container, = pod["spec"]["containers"]
    arguments = container["args"]
    options = serve.parse(["--host", "0.0.0.0", "--port", "8000", *arguments])  # every flag is one of the server's
    assert str(options.model) == "/model" and options.threads == int(container["resources"]["limits"]["cpu"])
    assert pod["spec"]["terminationGracePeriodSeconds"] > options.drain + 5
    for probe, path in (("startupProbe", "/readyz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
    assert container["ports"] == [{"name": "http", "containerPort": options.port}]
    assert pod["metadata"]["annotations"]["prometheus.io/port"] == str(options.port)
    labels = pod["metadata"]["labels"]
    for document, where in ((deployment, ["spec", "selector", "matchLabels"]),
                            (only(documents, "Service"), ["spec", "selector"]),
                            (only(documents, "PodDisruptionBudget"), ["spec", "selector", "matchLabels"]),
                            (only(documents, "NetworkPolicy"), ["spec", "podSelector", "matchLabels"])):
        for key in where:
            document = document[key]
        assert document == labels
    assert only(documents, "NetworkPolicy")["spec"]["egress"] == []
    secret, mounts = only(documents, "Secret"), {mount["name"]: mount["mountPath"] for mount in
                                                 container["volumeMounts"]}
    assert str(options.token_file) == f"{mounts['token']}/token" and "token" in secret["stringData"]
    scaler, = manifests("autoscaling.yaml")
    assert scaler["spec"]["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment",
                                                "name": deployment["metadata"]["name"]}
    metric = scaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
    assert metric in {family.name for family in Metrics().registry.collect()}
    rule, = manifests("prometheus-adapter-values.yaml")[0]["rules"]["custom"]
    assert rule["name"]["as"] == metric and rule["seriesQuery"].startswith(metric + "{")


def test_the_token_that_stands_there_is_refused(tmp_path):
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    from gluon_r2n2_tools import serve

    (tmp_path / "token").write_text(only(manifests("serve.yaml"), "Secret")["stringData"]["token"])
    with pytest.raises(ModelError, match="at least 16"):
        serve.token(tmp_path / "token")


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell")
@pytest.mark.parametrize("code, finished, expected", [(0, True, 0), (1, True, 0), (1, False, 1), (2, False, 2)])
def test_the_jobs_pods_share_the_work(tmp_path, capsys, code, finished, expected):
    """Its script is run with a stand-in for r2n2-reconstruct: shares from 1, and what each exit code becomes."""
    job = only(manifests("reconstruct-job.yaml"), "Job")["spec"]
    container, = job["template"]["spec"]["containers"]
    script, = container["args"]
    shares = job["completions"]
    tool = tmp_path / "r2n2-reconstruct"
    tool.write_text(f'#!/bin/sh\necho "$@"\nexit {code}\n')
    tool.chmod(0o755)
    told = []
    for index in range(shares):
        if finished:
            (tmp_path / f"part{index + 1}").mkdir()
            (tmp_path / f"part{index + 1}" / "part.jsonl").touch()
        result = subprocess.run([*container["command"], script.replace("/results/", f"{tmp_path}/")],
                                env={"JOB_COMPLETION_INDEX": str(index), "PATH": f"{tmp_path}{os.pathsep}{os.defpath}"},
                                capture_output=True, text=True, timeout=30)
        assert result.returncode == expected, result.stderr
        told.append(result.stdout.split())
    assert [words[words.index("--shard") + 1] for words in told] == [f"{n}/{shares}" for n in range(1, shares + 1)]
    assert len({words[words.index("--out") + 1] for words in told}) == shares
    known = help_of(reconstruct.main, capsys)
    assert all(word in known for word in told[0] if word.startswith("--"))


# CI ---------------------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("browser, user, works, expected", [
    (True, 0, True, ["make test"]),
    (False, 0, True, ["apt-get update", "apt-get install", "make test"]),
    (False, 0, False, ["apt-get update", "make test"]),  # no network: the tests run without
    (False, 1000, True, ["make test"]),
])
def test_ci_installs_a_browser_where_it_may_and_runs_the_tests(tmp_path, browser, user, works, expected):
    log = tmp_path / "log"
    stubs = {"make": "exit 3", "apt-get": "exit 0" if works else "exit 100", "id": f"echo {user}"}
    if browser:
        stubs["chromium"] = "exit 0"
    for name, code in stubs.items():
        (tmp_path / name).write_text(f'#!/bin/sh\n[ {name} = id ] || echo "{name} $1" >> {log}\n{code}\n')
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "sh", "dirname"):
        (tmp_path / name).symlink_to(shutil.which(name))
    result = subprocess.run([shutil.which("bash"), str(ROOT / ".ci" / "run")], env={"PATH": str(tmp_path)}, text=True,
                            capture_output=True, timeout=30)
    assert log.read_text().splitlines() == expected
    assert result.returncode == 3  # that of make test
    assert ("no Chromium" in result.stdout) == (not browser)


# the soak test's own arithmetic -----------------------------------------------------------------

@pytest.fixture(scope="module")
def kinds():
    return soak_clients.mixture(views=3, request_bytes=1000)


def test_every_kind_of_request_is_what_it_says(kinds):
    for name, kind in kinds.items():
        for request in kind.bodies:
            head, _, body = request.partition(b"\r\n\r\n")
            claimed = int(re.search(rb"Content-Length: (\d+)", head).group(1))
            cut = name == "stops in the middle" or claimed == 1001
            assert (claimed == len(body)) != cut, name
            assert head.startswith(b"POST /v1/reconstructions") and b"Host: 127.0.0.1" in head
    assert kinds["too many pictures"].bodies[0].count(b'name="images"') == 4
    huge = next(content for content in soak_clients.broken_files() if content[:4] == b"\x89PNG" and
                content[16:20] == (30000).to_bytes(4, "big"))
    assert zlib.crc32(huge[12:29]) != int.from_bytes(huge[29:33], "big")  # it lies in more than one way


@pytest.mark.parametrize("received, expected", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", (200, "", False)),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", (0, "cut off", False)),
    (b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\nContent-Length: 0\r\n\r\n", (429, "", True)),
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n" b'{"event": "view"}\n{"event": "end"}\n',
     (200, "", False)),
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
     b'{"event": "error", "error": {"code": "worker_lost", "message": "m"}}\n', (200, "worker_lost", False)),
    (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n" b'{"event": "view"}\n', (200, "cut off", False)),
    (b"", (0, "closed without an answer", False)),
    (b"garbage", (0, "no answer", False)),
])
def test_answers_are_read(received, expected):
    assert soak_clients.read_answer(received) == expected


def test_a_client_meets_a_server_that_answers_early_or_never():
    """Against a stand-in: a whole answer, a closed connection, silence, and a port where nobody listens."""
    async def server(reader, writer):
        path = (await reader.readline()).split()[1]
        if path == b"/answer":
            writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        if path == b"/nothing":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        if path == b"/silence":
            await reader.read()  # until the client has enough
        writer.close()

    async def ask():
        listening = await asyncio.start_server(server, soak_clients.HOST, 0)
        port = listening.sockets[0].getsockname()[1]
        told = []
        for path, leaves in (("/answer", None), ("/nothing", None), ("/close", None), ("/silence", None),
                             ("/silence", 0.05)):
            kind = soak_clients.Kind(1, [soak_clients.form(path, [("images", b"x")])], frozenset({200}), leaves)
            told.append((await soak_clients.send(port, "kind", kind, 0, timeout=0.5))[1:4:2])
        listening.close()
        await listening.wait_closed()
        told.append((await soak_clients.send(port, "kind", kind, 0, timeout=0.5))[1:4:2])
        return told

    assert asyncio.run(ask()) == [(413, ""), (200, soak_clients.NO_RESULT), (0, "closed without an answer"),
                                  (0, "no answer in time"), (-1, ""), (0, "ConnectionRefusedError")]


def make_sample(seconds, mib, **values):
    return soak_server.Sample(**{"seconds": seconds, "processes": 4, "zombies": 0, "front_mib": mib / 2,
                          "workers_mib": mib / 2, "descriptors": 50, "threads": 20,
                          "gauges": {name: 0.0 for name in soak_server.GAUGES}, **values})


def test_a_straight_line_through_the_memory():
    found = soak.trend([make_sample(second, 1000 + second) for second in range(0, 61, 5)])
    assert found["mib_per_minute"] == pytest.approx(60) and found["growth"] == pytest.approx(60 / 1030)
    assert (found["min_mib"], found["max_mib"]) == (1000, 1060)
    assert soak.trend([make_sample(0, 1)] * 2) == {}


def test_percentiles_are_values_that_were_measured():
    assert soak.percentiles(range(100, 0, -1)) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert soak.percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0, "max": 7.0}
    assert soak.percentiles([]) == {}


NOTHING = {name: 0.0 for name in soak_server.GAUGES}
GOOD = [soak.Answer("1 view", 200, 1.0), soak.Answer("1 view", 429, 0.1, "", True),
        soak.Answer("broken file", 422, 0.1), soak.Answer("leaves at once", soak.LEFT, 0.0),
        soak.Answer("leaves soon", soak.NEVER, 0.0, "closed"), soak.Answer("stream", 200, 1.0, "deadline")]


@pytest.mark.parametrize("change, words", [
    ({}, []),
    (dict(answers=[*GOOD, soak.Answer("1 view", 500, 0.1)]), ["1 x 1 view: answered 500"]),
    (dict(answers=[*GOOD, soak.Answer("1 view", 422, 0.1)]), ["1 x 1 view: answered 422, not"]),
    (dict(answers=[*GOOD, soak.Answer("broken file", 200, 0.1)]), ["1 x broken file: answered 200, not"]),
    (dict(answers=[*GOOD] + [soak.Answer("1 view", 503, 0.1)] * 2), ["2 x 1 view: answered 503 without Retry-After"]),
    (dict(answers=[*GOOD, soak.Answer("1 view", soak.NEVER, 9, "reset")]), ["1 x 1 view: no answer (reset)"]),
    (dict(answers=[*GOOD, soak.Answer("stream", 200, 9, "cut off")]), ["answered 200, and then 'cut off'"]),
    (dict(answers=[*GOOD, soak.Answer("GLB", 200, 9, soak_clients.NO_RESULT)]), ["1 x GLB: answered 200, and then"]),
    (dict(answers=GOOD[1:]), ["0.00 good answers a second under load, 1.00 before it"]),
    (dict(rate_after=0.4), ["0.40 good answers a second after it, 1.00 before it"]),
    (dict(not_sent=2), ["2 of 100 requests were not sent"]),
    (dict(memory={"front": {"growth": 0.11, "mib_per_minute": 9.0, "min_mib": 1, "max_mib": 1}}),
     ["memory (front) grew by 11%"]),
    (dict(memory={"all": {"growth": 0.0, "mib_per_minute": 0.0, "min_mib": 100, "max_mib": 151}}),
     ["between 100 and 151"]),
    (dict(after=make_sample(9, 1, processes=5)), ["processes: 4 before the load, 5"]),
    (dict(after=make_sample(9, 1, descriptors=67)), ["descriptors: 50 before the load, 67"]),
    (dict(after=make_sample(9, 1, threads=37)), ["threads: 20 before the load, 37"]),
    (dict(after=make_sample(9, 1, zombies=1)), ["1 zombie"]),
    (dict(after=make_sample(9, 1, gauges={**NOTHING, "r2n2_queue_length": 2.0})), ["r2n2_queue_length is 2.0"]),
    (dict(after=make_sample(9, 1, gauges={**NOTHING, "r2n2_worker_restarts_total": 1.0})),
     ["r2n2_worker_restarts_total is 1.0"]),
    (dict(stopped={"exit_code": None, "seconds": 60, "left_behind": False}), ["SIGTERM: exit code None"]),
    (dict(stopped={"exit_code": 0, "seconds": 1, "left_behind": True}), ["left behind"]),
])
def test_broken_promises_are_named(kinds, change, words):
    found = {"answers": GOOD, "kinds": kinds, "memory": {}, "before": make_sample(0, 1), "after": make_sample(9, 1),
             "rate": 1.0, "rate_after": 1.0, "offered": 100, "not_sent": 1, "seconds": 1.0, **change}
    stopped = found.pop("stopped", {"exit_code": 0, "seconds": 1.0, "left_behind": False})
    broken = soak.broken_promises(found, stopped)
    assert len(broken) == len(words) and all(word in sentence for word, sentence in zip(words, broken)), broken


def test_the_family_of_a_process_and_what_it_uses():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    gone = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)  # ended and not yet asked about: a zombie
        states = soak_server.family(os.getpid())
        assert {os.getpid(), child.pid, gone.pid} <= set(states) and states[gone.pid] == "Z"
        used = soak_server.resources(child.pid)
        assert 1 < used["mib"] < 1000 and used["threads"] >= 1 and used["descriptors"] >= 3
    finally:
        child.kill()
        child.wait()
        gone.wait()
    assert soak_server.resources(child.pid) == {"mib": 0.0, "threads": 0, "descriptors": 0}


@pytest.mark.parametrize("stays, code", [(False, 0), (True, 0), (False, 3)])
def test_how_a_server_ends_is_told(tmp_path, monkeypatch, stays, code):
    """A stand-in for tools/serve.py, with or without a worker that outlives it; the block's end kills that too."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "serve.py").write_text(
        "import os, signal, subprocess, sys\n"
        f"signal.signal(signal.SIGTERM, lambda *_: os._exit({code}))\n"
        f"worker = {stays} and subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('serving a stand-in on http://127.0.0.1:9', flush=True)\n"
        "while True: signal.pause()\n")
    monkeypatch.setattr(soak_server, "ROOT", tmp_path)
    monkeypatch.setattr(soak_server, "LAST", 0.2)
    with soak_server.Server("model", []) as server:
        assert server.port == 9
        told = server.stop()
        assert (told["exit_code"], told["left_behind"]) == (code, stays)


def test_gauges_are_summed_over_their_labels():
    text = ('# HELP r2n2_queue_length Objects\nr2n2_queue_length 3.0\nr2n2_in_flight 1.0\n'
            'r2n2_worker_restarts_total{worker="engine"} 2.0\nr2n2_worker_restarts_total{worker="pictures"} 1.0\n')
    assert soak_server.gauges(text) == {"r2n2_queue_length": 3.0, "r2n2_in_flight": 1.0,
                                        "r2n2_worker_restarts_total": 3.0}

"""Inference, first step: a model, wherever it is, and the engine that it is to run with -> both, ready."""
from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Callable, Iterator, Mapping, Optional, Tuple, Union

import mxnet as mx

from gluon_r2n2.deployment import onnx_graphs
from gluon_r2n2.deployment.artefact import PARAMETERS, SYMBOL, Artefact, is_artefact, read, refusing
from gluon_r2n2.deployment.engines import Engine, GraphsEngine, StepEngine, choose
from gluon_r2n2.deployment.pretrained import list_pretrained, pretrained_path
from gluon_r2n2.deployment.weights import exported_network
from gluon_r2n2.errors import ModelError
from gluon_r2n2.network import ViewNetwork
from gluon_r2n2.training import load_view_network
from gluon_r2n2.training.runs import CHECKPOINTS, CONFIG, STATE


def open_model(path: Union[str, Path], *, engine: Optional[str] = None, precision: str = "float32",
               threads: Optional[int] = None, ctx: Optional[mx.Context] = None) -> Tuple[Artefact, Engine]:
    """Load an exported model, a run or one checkpoint of a run, to be run by *engine*; see `Reconstructor`.

    onnxruntime and OpenVINO run ONNX graphs; where the model has none, they are made here and thrown away again.

    Raises:
        ModelError: no model, a damaged one, one of another version or a 3D-GAN; an engine that is unknown, not
            installed or cannot do what is asked.
    """
    if not Path(path).exists() and str(path) in list_pretrained():
        path = pretrained_path(str(path))
    path, ctx = Path(path), ctx or mx.cpu()
    exported = is_artefact(path)
    if not exported and not any((path / name).exists() for name in (CONFIG, CHECKPOINTS, STATE)):
        raise ModelError(f"{path}: holds no model; give the folder of an exported model (of tools/export.py), of a "
                         "run or of a checkpoint, or the name of a model that comes along: "
                         + ", ".join(list_pretrained()))
    facts = read(path) if exported else None
    complete = exported and facts.files.issuperset(onnx_graphs.PARTS.values())
    chosen = choose(engine, precision=precision, gpu=ctx.device_type == "gpu",
                    graphs=complete or onnx_graphs.can_convert())
    if chosen == "mxnet":
        _check_threads(threads)
    net = None
    if not exported:
        net, info = load_view_network(path, ctx)
        facts = Artefact.of(net, info)
    elif chosen != "mxnet" and not complete:
        net = exported_network(path, facts)

    if chosen != "mxnet":
        def opened(folder: Path) -> Engine:
            with _naming(path, chosen):
                return on_graphs(chosen, {part: folder / file for part, file in onnx_graphs.PARTS.items()},
                                 state=facts.state, precision=precision, threads=threads)

        return facts, opened(path) if complete else _with_graphs(net, opened)
    if net is not None:
        return facts, StepEngine.from_network(net)
    with refusing(path):
        return facts, StepEngine.from_files(path / SYMBOL, path / PARAMETERS, state=facts.state, ctx=ctx)


def _with_graphs(net: ViewNetwork, opened: Callable[[Path], Engine]) -> Engine:
    """What *opened* makes of a folder with ONNX graphs of *net*; the folder is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="r2n2-") as folder:
        onnx_graphs.write_onnx(net, folder, step=False)
        return opened(Path(folder))


def on_graphs(engine: str, files: Mapping[str, Path], *, state: Tuple[int, ...] = (), precision: str = "float32",
              threads: Optional[int] = None) -> GraphsEngine:
    """Load ONNX graphs to be run by *engine*: the parts of a network, or whatever its method `call` shall run."""
    # here: each loads a library that only its users have
    if engine == "openvino":
        from gluon_r2n2.deployment.engines.openvino_engine import OpenvinoEngine

        return OpenvinoEngine(files, state=state, precision=precision, threads=threads)
    from gluon_r2n2.deployment.engines.onnxruntime_engine import OnnxruntimeEngine

    return OnnxruntimeEngine(files, state=state, threads=threads)


@contextlib.contextmanager
def _naming(path: Path, engine: str) -> Iterator[None]:
    """Turn what a runtime says against graphs into a ModelError; each raises classes of its own."""
    try:
        yield
    except (ModelError, OSError, MemoryError):
        raise
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]  # the first ones say where in the code
        raise ModelError(f"{path}: {engine} does not load its ONNX graphs ({lines[-1]}); export the model again, copy "
                         "its files and not links to them, or take another engine") from error


def _check_threads(threads: Optional[int]) -> None:
    """MXNet's number of threads is fixed once it is loaded."""
    given = os.environ.get("OMP_NUM_THREADS")
    if threads is not None and str(threads) != given:
        raise ModelError(f"MXNet takes its threads from OMP_NUM_THREADS when it is loaded, which is {given}; set "
                         f"OMP_NUM_THREADS={threads} before the program starts, or take another engine")

"""Export, ONNX: symbols -> .onnx files that share one file of weights, for onnxruntime, OpenVINO and others.

MXNet's own converter does the work. Around it: it wants modules that newer onnx packages lack, stamps the newest
opset on nodes of opset 13, lists weights as inputs, and knows no reshape by -3.
"""
from __future__ import annotations

import ast
import contextlib
import importlib.util
import io
import json
import logging
import tempfile
import types
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from gluon_r2n2.deployment import graphs
from gluon_r2n2.deployment.graphs import Graph
from gluon_r2n2.errors import ModelError
from gluon_r2n2.generative import GAN, VAEGAN
from gluon_r2n2.network import ViewNetwork
from gluon_r2n2.training.arrays import get_parameters, named_parameters

OPSET, IR_VERSION = 13, 7  # of the converter's nodes, and the IR version that came with this opset
WEIGHTS, STEP, GENERATOR = "r2n2.onnx.data", "r2n2-step.onnx", "r2n2-generator.onnx"
PARTS = {name: f"r2n2-{name}.onnx" for name in ("encode", "absorb", "decode")}
ALIGNMENT = 4096  # bytes: a weight begins at a memory page, so that a runtime can map it
BATCH = "batch"  # the name of the dimension that is left open
TYPES = ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool")  # that MXNet has


def sequence_file(views: int) -> str:
    """The file name of the graph of a whole sequence."""
    return f"r2n2-sequence{views}.onnx"


def can_convert() -> bool:
    """Whether the onnx package is installed."""
    return importlib.util.find_spec("onnx") is not None


def description(net: Union[ViewNetwork, GAN], sequences: Sequence[int] = ()) -> Dict[str, Any]:
    """What r2n2.json says about the ONNX graphs that `write_onnx` writes."""
    facts: Dict[str, Any] = {"opset": OPSET, "weights": WEIGHTS}
    if isinstance(net, ViewNetwork):
        facts.update(step=STEP, parts=PARTS, sequences={str(views): sequence_file(views) for views in sequences})
    if isinstance(net, (GAN, VAEGAN)):
        facts["generator"] = GENERATOR
    return facts


def write_onnx(net: Union[ViewNetwork, GAN], folder: Union[str, Path], *, step: bool = True,
               sequences: Sequence[int] = ()) -> None:
    """Write graphs of *net* to *folder*, and the weights that they share: the three parts, and those asked for.

    A generative network has its generator written too, unless the parts alone are wanted; a 3D-GAN has nothing else.

    Args:
        step: write more than the parts that the engines run.

    Raises:
        ModelError: the onnx package is not installed.
        OSError: the disk is full or read-only.
    """
    if not can_convert():
        raise ModelError("ONNX graphs are written with the onnx package, which is not installed: "
                         "pip install 'gluon-r2n2[onnx]'")
    import onnx

    wanted = {}
    with mx.name.NameManager():  # names without counters of the process: the same network, the same bytes
        if isinstance(net, ViewNetwork):
            wanted.update({PARTS[name]: graph for name, graph in graphs.parts(net).items()})
            if step:
                wanted[STEP] = graphs.step(net)
            wanted.update({sequence_file(views): graphs.sequence(net, views) for views in sequences})
        if step and isinstance(net, (GAN, VAEGAN)):
            wanted[GENERATOR] = graphs.generator(net)
    folder = Path(folder)
    # Gluon's own names differ from process to process; in the files a weight is called by its place in the network
    places = {parameter.name: name for name, parameter in named_parameters(net).items()}
    used = {name for graph in wanted.values() for output in graph.outputs for name in output.list_inputs()}
    parameters = get_parameters(net, only={place for name, place in places.items() if name in used})
    arrays = {name: array.asnumpy() for name, array in parameters.items()}
    places = {name: place for name, place in places.items() if place in arrays}
    weights = _write_weights(folder / WEIGHTS, arrays)
    for file, graph in wanted.items():
        shapes = {name: tuple(edge or 1 for edge in shape) for name, shape in graph.inputs.items()}
        symbol = _convertible(mx.sym.Group(list(graph.outputs)), shapes)
        model = _convert(symbol, graph, shapes, {name: arrays[place].shape for name, place in places.items()})
        ends = dict(zip((name[:-len("_output")] for name in symbol.list_outputs()), graph.names))
        _rename(model.graph, {**places, **ends}, net.prefix)
        _complete(model.graph, graph, symbol.infer_shape(**shapes)[1], weights)
        (folder / file).write_bytes(model.SerializeToString())
        onnx.checker.check_model(str(folder / file), full_check=True)


def _convertible(symbol: mx.sym.Symbol, shapes: Dict[str, Tuple[int, ...]]) -> mx.sym.Symbol:
    """The same graph, reshaped by explicit sizes with the batch left open, and with a name of its own for every node.

    Blocks that are used twice, as for each view of a sequence, give their nodes the same names again, and the
    converter looks nodes up by name.
    """
    internals = symbol.get_internals()
    _, sizes, _ = internals.infer_shape(**shapes)
    size_of = dict(zip(internals.list_outputs(), sizes))  # nodes of the same name are of the same shape
    graph, seen = json.loads(symbol.tojson()), set()
    for number, node in enumerate(graph["nodes"]):
        if node["op"].lower() == "reshape" and min(ast.literal_eval(node["attrs"]["shape"])) < -1:
            node["attrs"]["shape"] = str((-1,) + tuple(size_of[f"{node['name']}_output"][1:]))
        if node["name"] in seen:
            node["name"] += f"_{number}"
        seen.add(node["name"])
    return mx.sym.load_json(json.dumps(graph))


def _convert(symbol: mx.sym.Symbol, graph: Graph, shapes: Dict[str, Tuple[int, ...]],
             weights: Dict[str, Tuple[int, ...]]):
    """An onnx.ModelProto by mx2onnx, of the opset that its nodes are of; weights, here by their shapes, are inputs.

    The converter would turn weights into lists of Python numbers, which takes minutes and gigabytes.
    """
    import onnx

    names = symbol.list_inputs()  # in the converter's order
    fixed = {**weights, **shapes}
    dynamic = {**weights, **{name: tuple(edge or BATCH for edge in shape) for name, shape in graph.inputs.items()}}
    with tempfile.TemporaryDirectory() as folder, _module_of_older_onnx(), _quiet():
        from mxnet.onnx import export_model

        path = str(Path(folder) / "graph.onnx")
        export_model(symbol, {}, [fixed[name] for name in names], np.float32, path, dynamic=True,
                     dynamic_input_shapes=[dynamic[name] for name in names])
        model = onnx.load(path)
    model.ir_version, model.producer_name = IR_VERSION, "gluon-r2n2"
    _replace(model.opset_import, [onnx.helper.make_opsetid("", OPSET)])
    return model


def _rename(graph, names: Dict[str, str], prefix: str) -> None:
    """Give outputs and weights their *names*, and take the counted prefix of the network from the rest."""
    def new(name: str) -> str:
        name = names.get(name, name)
        return name[len(prefix):] if name.startswith(prefix) else name

    for node in graph.node:
        node.name = new(node.name)
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("t"):
                attribute.t.ClearField("name")  # of a constant: nobody refers to it
    for value in [*graph.input, *graph.output, *graph.initializer]:
        value.name = new(value.name)
    graph.name = "r2n2"


def _complete(graph, wanted: Graph, shapes: Sequence[Tuple[int, ...]], weights: Dict[str, Tuple[int, int]]) -> None:
    """Turn weights from inputs into initialisers that point into the common file; say shapes; drop what is unused.

    Args:
        shapes: of the outputs, for one object.
        weights: where each lies in the file, (offset, length) in bytes.
    """
    from onnx import TensorProto, helper

    inputs = {value.name: value for value in graph.input}
    used = {name for node in graph.node for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in used]  # what the converter made up
    for name in [name for name in inputs if name in weights]:
        dims = [edge.dim_value for edge in inputs[name].type.tensor_type.shape.dim]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
        for key, value in zip(("location", "offset", "length"), (WEIGHTS, *weights[name])):
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    _replace(graph.initializer, tensors)
    _replace(graph.input, [inputs[name] for name in wanted.inputs])
    _replace(graph.output, [helper.make_tensor_value_info(name, TensorProto.FLOAT, (BATCH, *shape[1:]))
                            for name, shape in zip(wanted.names, shapes)])


def _write_weights(path: Path, arrays: Dict[str, np.ndarray]) -> Dict[str, Tuple[int, int]]:
    """Write all arrays, little-endian, to one file; return where each lies, (offset, length) in bytes."""
    places = {}
    with path.open("wb") as handle:
        for name, array in arrays.items():
            data = array.astype("<f4").tobytes()
            handle.write(bytes(-handle.tell() % ALIGNMENT))
            places[name] = handle.tell(), len(data)
            handle.write(data)
    return places


def _replace(field, values: List[Any]) -> None:
    """Set a repeated field of a protobuf message."""
    values = [type(value).FromString(value.SerializeToString()) for value in values]  # they die with the field's
    del field[:]
    field.extend(values)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """While it lasts, mxnet's converter tells nobody of its progress: it prints, and writes to the root logger.

    Nor of what it thinks of single operators, such as products of arrays of more axes than ours have; what the graphs
    compute is compared with the network.
    """
    def of_others(record: logging.LogRecord) -> bool:
        return record.module != "_export_model" and not record.module.startswith("_op_translations")

    logging.getLogger().addFilter(of_others)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.getLogger().removeFilter(of_others)


@contextlib.contextmanager
def _module_of_older_onnx() -> Iterator[None]:
    """While it lasts there is an onnx.mapping, which mxnet 1.9.1 imports: deprecated by onnx 1.13, dropped by 1.20."""
    import onnx

    codes = {np.dtype(name): onnx.helper.np_dtype_to_tensor_dtype(np.dtype(name)) for name in TYPES}
    stand_in = types.SimpleNamespace(NP_TYPE_TO_TENSOR_TYPE=codes,
                                     TENSOR_TYPE_TO_NP_TYPE={code: dtype for dtype, code in codes.items()})
    before = vars(onnx).get("mapping")
    onnx.mapping = stand_in
    try:
        yield
    finally:
        if before is None:
            del onnx.mapping
        else:
            onnx.mapping = before

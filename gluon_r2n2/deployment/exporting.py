"""Export: a trained network -> the folder that gluon_r2n2.deployment.artefact describes, proven to be the network."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import SymbolBlock

from gluon_r2n2.deployment import graphs, onnx_graphs
from gluon_r2n2.deployment.artefact import FACTS, PARAMETERS, SYMBOL, Artefact, load
from gluon_r2n2.deployment.engines import StepEngine, available_engines, half_precision
from gluon_r2n2.deployment.opening import open_model
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import atomic_directory, manifest, write_json
from gluon_r2n2.model_zoo import model_from_config
from gluon_r2n2.network import R2N2, occupied_probability
from gluon_r2n2.training.arrays import get_parameters, set_parameters

TOLERANCE = 1e-4  # of ONNX graphs, of the largest probability; 1e-6 is usual


def sequence_file(views: int) -> str:
    """The file name of the graph of a whole sequence."""
    return f"r2n2-sequence{views}-symbol.json"


def export(net: R2N2, facts: Artefact, path: Union[str, Path], *, half: bool = False, onnx: bool = False,
           sequences: Sequence[int] = ()) -> Dict[str, float]:
    """Write *net* (its parameters on the CPU) to the folder *path*, whole or not at all, and prove it equal.

    An exported model that is already at *path* is replaced.

    Args:
        half: round the weights to float16, for a file of half the size; it is computed in float32 all the same. ONNX
            graphs get the rounded weights as float32.
        onnx: write ONNX graphs too.
        sequences: numbers of views to write a graph of the whole sequence for.

    Returns:
        How far off the engines are that run ONNX graphs and are installed, by name: the largest difference of a
        probability over the largest probability.

    Raises:
        ModelError: a written graph does not reproduce the network; the onnx package is not installed.
        OSError: the place cannot be written to.
    """
    net = _rounded(net) if half else net
    further: Dict[str, Any] = {}
    if sequences:
        further["sequences"] = {str(views): {"symbol": sequence_file(views), "inputs": [graphs.SEQUENCE_INPUT]}
                                for views in sequences}
    with atomic_directory(path) as folder:
        StepEngine.from_network(net).save(folder / SYMBOL, folder / PARAMETERS, half=half)
        for views in sequences:  # not Symbol.save, which passes over a full disk
            (folder / sequence_file(views)).write_text(graphs.sequence_symbol(net, views).tojson(), encoding="utf-8")
        if onnx:
            onnx_graphs.write_onnx(net, folder, sequences=sequences)
            further["onnx"] = onnx_graphs.description(sequences)
        write_json(folder / FACTS, facts.as_json(manifest(folder), **further))
        return _verify(net, folder, sequences, onnx)


def belongs(name: str) -> bool:
    """Whether a file of this name in the folder of an exported model is a part of it."""
    fixed = {FACTS, SYMBOL, PARAMETERS, onnx_graphs.WEIGHTS, onnx_graphs.STEP, *onnx_graphs.PARTS.values()}
    return name in fixed or re.fullmatch(r"r2n2-sequence\d+(-symbol\.json|\.onnx)", name) is not None


def _rounded(net: R2N2) -> R2N2:
    """A copy whose weights are those that float16 can hold."""
    copy, arrays = model_from_config(net.config.as_dict()), half_precision(get_parameters(net))
    set_parameters(copy, {name: array.astype("float32") for name, array in arrays.items()}, [mx.cpu()], source="export")
    return copy


def _verify(net: R2N2, folder: Path, sequences: Sequence[int], onnx: bool) -> Dict[str, float]:
    """Random views of one object through the network and through what was written: the same numbers, to the bit.

    Other libraries sum in another order; how far that is off is returned.
    """
    size = net.config.input_size
    views = np.random.RandomState(0).uniform(size=(max([2, *sequences]), 3, size, size)).astype(np.float32)
    expected = _probabilities(net, views)
    _equal(expected, load(folder)[1].stream(views), SYMBOL)
    for count in sequences:
        graph = SymbolBlock(mx.sym.load(str(folder / sequence_file(count))),
                            [mx.sym.var(graphs.SEQUENCE_INPUT, dtype="float32")])
        graph.collect_params().load(str(folder / PARAMETERS), cast_dtype=True, dtype_source="current")
        _equal(expected[count - 1:count], graph(mx.nd.array(views[:count, None])).asnumpy(), sequence_file(count))
    found = {}
    for name in [name for name in available_engines() if name != "mxnet"] if onnx else []:
        probabilities = open_model(folder, engine=name)[1].run(views)
        found[name] = float(np.abs(probabilities - expected[-1]).max() / expected[-1].max())
        if not found[name] < TOLERANCE:
            raise ModelError(f"the ONNX graphs, run by {name}, differ from the network by {found[name]:.2g} of the "
                             "largest probability; nothing was written")
    return found


def _probabilities(net: R2N2, views: np.ndarray) -> List[np.ndarray]:
    """What the network makes of each prefix of *views* (T, 3, S, S): (V, V, V) each."""
    return [occupied_probability(mx.nd, logits).asnumpy()[0] for logits in net.prefixes(mx.nd.array(views[:, None]))]


def _equal(expected: Sequence[np.ndarray], found, file: str) -> None:
    difference = max(float(np.abs(one - other).max()) for one, other in zip(expected, found))
    if difference != 0:
        raise ModelError(f"the exported graph {file} differs from the network by up to {difference:.3g}; nothing was "
                         "written")

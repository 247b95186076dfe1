"""Export: a trained network -> the folder that gluon_r2n2.deployment.artefact describes, proven to be the network."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import SymbolBlock

from gluon_r2n2.deployment import graphs, onnx_graphs
from gluon_r2n2.deployment.artefact import FACTS, GENERATOR, PARAMETERS, SYMBOL, Artefact, load
from gluon_r2n2.deployment.engines import StepEngine, available_engines, half_precision, save_graph
from gluon_r2n2.deployment.generators import GeneratorArtefact, description, open_generator
from gluon_r2n2.deployment.opening import on_graphs, open_model
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import atomic_directory, manifest, write_json
from gluon_r2n2.generative import BATCH, GAN, VAEGAN, draw_latents, generate
from gluon_r2n2.model_zoo import Network, model_from_config
from gluon_r2n2.network import ViewNetwork, occupied_probability
from gluon_r2n2.training.arrays import get_parameters, set_parameters

TOLERANCE = 1e-4  # of ONNX graphs, of the largest probability; 1e-6 is usual


def sequence_file(views: int) -> str:
    """The file name of the graph of a whole sequence."""
    return f"r2n2-sequence{views}-symbol.json"


def export(net: Union[ViewNetwork, GAN], facts: Union[Artefact, GeneratorArtefact], path: Union[str, Path], *,
           half: bool = False, onnx: bool = False, sequences: Sequence[int] = ()) -> Dict[str, float]:
    """Write *net* (its parameters on the CPU) to the folder *path*, whole or not at all, and prove it equal.

    An exported model that is already at *path* is replaced. What training alone has use for, the discriminator of a
    generative network, is left out.

    Args:
        facts: `Artefact.of` the network; of a 3D-GAN, `GeneratorArtefact.of` it.
        half: round the weights to float16, for a file of half the size; it is computed in float32 all the same. ONNX
            graphs get the rounded weights as float32.
        onnx: write ONNX graphs too.
        sequences: numbers of views to write a graph of the whole sequence for; a 3D-GAN has none.

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
        if isinstance(net, ViewNetwork):
            StepEngine.from_network(net).save(folder / SYMBOL, folder / PARAMETERS, half=half)
        else:
            parameters = net.generator.collect_params()
            save_graph(graphs.generator(net).outputs[0], parameters, folder / GENERATOR, folder / PARAMETERS,
                       ctx=mx.cpu(), half=half)
        if isinstance(net, VAEGAN):  # not Symbol.save, which passes over a full disk
            (folder / GENERATOR).write_text(graphs.generator(net).outputs[0].tojson(), encoding="utf-8")
            further["generator"] = description(net.config)
        for views in sequences:
            (folder / sequence_file(views)).write_text(graphs.sequence_symbol(net, views).tojson(), encoding="utf-8")
        if onnx:
            onnx_graphs.write_onnx(net, folder, sequences=sequences)
            further["onnx"] = onnx_graphs.description(net, sequences)
        write_json(folder / FACTS, facts.as_json(manifest(folder), **further))
        checks = [_verify(net, folder, sequences, onnx)] if isinstance(net, ViewNetwork) else []
        if isinstance(net, (GAN, VAEGAN)):
            checks.append(_verify_generator(net, folder, onnx))
        return {name: max(found[name] for found in checks) for name in checks[0]}


def belongs(name: str) -> bool:
    """Whether a file of this name in the folder of an exported model is a part of it."""
    fixed = {FACTS, SYMBOL, PARAMETERS, GENERATOR, onnx_graphs.WEIGHTS, onnx_graphs.STEP, onnx_graphs.GENERATOR,
             *onnx_graphs.PARTS.values()}
    return name in fixed or re.fullmatch(r"r2n2-sequence\d+(-symbol\.json|\.onnx)", name) is not None


def _rounded(net: Network) -> Network:
    """A copy whose weights are those that float16 can hold."""
    copy, arrays = model_from_config(net.config.as_dict()), half_precision(get_parameters(net))
    set_parameters(copy, {name: array.astype("float32") for name, array in arrays.items()}, [mx.cpu()], source="export")
    copy.hybridize(static_alloc=True)  # operator by operator, a batch normalisation may differ in the last bit
    return copy


def _verify(net: ViewNetwork, folder: Path, sequences: Sequence[int], onnx: bool) -> Dict[str, float]:
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
    return {name: _near(expected[-1], open_model(folder, engine=name)[1].run(views), name)
            for name in available_engines() if onnx and name != "mxnet"}


def _verify_generator(net: Union[GAN, VAEGAN], folder: Path, onnx: bool) -> Dict[str, float]:
    """As `_verify`, by random latent vectors: one more than are computed at once."""
    latents = draw_latents(net.config, BATCH + 1, np.random.default_rng(0))
    expected = generate(net, latents)
    _equal(expected, open_generator(folder).generate(latents), GENERATOR)
    return {name: _near(expected, on_graphs(name, {"generator": folder / onnx_graphs.GENERATOR}).call(
                            "generator", **{graphs.LATENTS: latents}), name)
            for name in available_engines() if onnx and name != "mxnet"}


def _near(expected: np.ndarray, found: np.ndarray, engine: str) -> float:
    """How far off an engine that runs ONNX graphs is, in parts of the largest probability."""
    difference = float(np.abs(found - expected).max() / expected.max())
    if not difference < TOLERANCE:
        raise ModelError(f"the ONNX graphs, run by {engine}, differ from the network by {difference:.2g} of the "
                         "largest probability; nothing was written")
    return difference


def _probabilities(net: ViewNetwork, views: np.ndarray) -> List[np.ndarray]:
    """What the network makes of each prefix of *views* (T, 3, S, S): (V, V, V) each."""
    return [occupied_probability(mx.nd, logits).asnumpy()[0] for logits in net.prefixes(mx.nd.array(views[:, None]))]


def _equal(expected: Sequence[np.ndarray], found, file: str) -> None:
    difference = max(float(np.abs(one - other).max()) for one, other in zip(expected, found))
    if difference != 0:
        raise ModelError(f"the exported graph {file} differs from the network by up to {difference:.3g}; nothing was "
                         "written")

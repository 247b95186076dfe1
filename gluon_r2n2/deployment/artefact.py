"""Export: a trained network -> a folder that plain MXNet can run, with all facts about its input inside.

    r2n2-symbol.json   the step graph: (data0 image (B, 3, S, S), data1 state (B, C, N, N, N)) ->
                       (probability of occupied (B, V, V, V), next state)
    r2n2-0000.params   its weights
    r2n2.json          format version, model, preprocessing, frame, threshold, classes, provenance, SHA-256 sums
"""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

import mxnet as mx
import numpy as np

import gluon_r2n2
from gluon_r2n2.deployment.engine import INPUTS, StepEngine, half_precision
from gluon_r2n2.deployment.preprocess import Preprocessing
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import atomic_directory, damaged, manifest, sha256, sha256_of_json, write_json
from gluon_r2n2.metrics import DEFAULT_THRESHOLD
from gluon_r2n2.model_zoo import model_from_config
from gluon_r2n2.network import R2N2
from gluon_r2n2.training.arrays import get_parameters, set_parameters

FORMAT, VERSION = "gluon-r2n2 step graph", 1
FACTS, SYMBOL, PARAMETERS = "r2n2.json", "r2n2-symbol.json", "r2n2-0000.params"
FRAME = ("axes (x, y, z) of a right-handed frame, y up, the front of the object towards -z; cell (i, j, k) has its "
         "centre at (index + 0.5) / resolution - 0.5 in the unit cube")
VERSIONS = {"gluon_r2n2": gluon_r2n2.__version__, "mxnet": mx.__version__}


@dataclasses.dataclass(frozen=True)
class Artefact:
    """What r2n2.json says about an exported model."""

    model: Dict[str, Any]  # ModelConfig as a dict
    preprocessing: Preprocessing
    state: Tuple[int, ...]  # shape (C, N, N, N) of the state of one sample; it starts as zeros
    threshold: float  # probability from which on a voxel counts as occupied, chosen on validation data
    classes: Dict[str, str]  # names by synset id of the training data
    provenance: Dict[str, Any]  # run, step, data, versions: where the weights come from

    @classmethod
    def of(cls, net: R2N2, info: Dict[str, Any]) -> Artefact:
        """The facts about a network and what `gluon_r2n2.training.load_network` knows of it."""
        checkpoint = Path(info["checkpoint"])
        provenance = {
            "run": checkpoint.absolute().parent.parent.name, "checkpoint": checkpoint.name, "step": info["step"],
            "weights_sha256": info["weights_sha256"], "training": info["training"],
            "data": {key: info["data"][key] for key in ("fingerprint", "samples")},
            "threshold_source": info["threshold_source"], "trained_with": info["version"],
            "exported_with": VERSIONS,
        }
        rules = Preprocessing(input_size=info["image"]["size"], background=info["image"]["background"])
        return cls(net.config.as_dict(), rules, net.begin_state(1).shape[1:], info["threshold"], info["classes"],
                   provenance)

    @classmethod
    def of_weights(cls, net: R2N2, path: Union[str, Path]) -> Artefact:
        """The facts about a network whose weights came from the file *path*, of which nothing else is known.

        Preprocessing and threshold are the original's.
        """
        provenance = {"weights": Path(path).name, "weights_sha256": sha256(path),
                      "threshold_source": "the original's, not chosen on validation data", "exported_with": VERSIONS}
        return cls(net.config.as_dict(), Preprocessing(input_size=net.config.input_size),
                   net.begin_state(1).shape[1:], DEFAULT_THRESHOLD, {}, provenance)

    def as_json(self, files: Dict[str, str]) -> Dict[str, Any]:
        """The content of r2n2.json, given the SHA-256 sums of the other files."""
        resolution = self.model["resolution"]
        facts = {
            "format": FORMAT, "format_version": VERSION, "model": self.model,
            "preprocessing": {**dataclasses.asdict(self.preprocessing), "colour": "RGB", "range": [0.0, 1.0],
                              "layout": "NCHW"},
            "graph": {"inputs": list(INPUTS), "state": list(self.state),
                      "outputs": ["probability of occupied (B, V, V, V)", "next state (B, C, N, N, N)"]},
            "voxels": {"resolution": resolution, "frame": FRAME},
            "threshold": self.threshold, "classes": self.classes, "provenance": self.provenance, "files": files,
        }
        return {**facts, "checksum": sha256_of_json(facts)}


def is_artefact(path: Union[str, Path]) -> bool:
    """Whether *path* is an exported model, or what is left of one; `load` says what it lacks."""
    return any((Path(path) / name).is_file() for name in (FACTS, SYMBOL, PARAMETERS))


def export(net: R2N2, facts: Artefact, path: Union[str, Path], *, half: bool = False) -> None:
    """Write *net* (its parameters on the CPU) to the folder *path*, whole or not at all, and prove it equal.

    An artefact that is already at *path* is replaced.

    Args:
        half: round the weights to float16, for a file of half the size; it is computed in float32 all the same.

    Raises:
        ModelError: the written graph does not reproduce the network.
        OSError: the place cannot be written to.
    """
    net = _rounded(net) if half else net
    engine = StepEngine.from_network(net)
    with atomic_directory(path) as folder:
        engine.save(folder / SYMBOL, folder / PARAMETERS, half=half)
        write_json(folder / FACTS, facts.as_json(manifest(folder)))
        _verify(net, engine, load(folder)[1])


def load(path: Union[str, Path], ctx: Optional[mx.Context] = None) -> Tuple[Artefact, StepEngine]:
    """Read an exported model; nothing is run before its checksums are right.

    Returns:
        (Artefact, StepEngine on *ctx*, the CPU by default)

    Raises:
        ModelError: a file is missing or damaged, or the format is another; the file is named.
    """
    path = Path(path)
    facts = _read_facts(path / FACTS)
    try:
        for name, fault in damaged(path, {name: facts["files"][name] for name in (SYMBOL, PARAMETERS)}).items():
            raise ModelError(f"{path / name} {fault}; export the model again")
        rules = {field.name: facts["preprocessing"][field.name] for field in dataclasses.fields(Preprocessing)}
        artefact = Artefact(facts["model"], Preprocessing(**rules), tuple(map(int, facts["graph"]["state"])),
                            float(facts["threshold"]), facts["classes"], facts["provenance"])
        return artefact, StepEngine.from_files(path / SYMBOL, path / PARAMETERS, state=artefact.state, ctx=ctx)
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AssertionError, mx.MXNetError) as error:  # well-formed, but not ours
        raise ModelError(f"{path} is no model that tools/export.py wrote ({type(error).__name__}); "
                         "export the model again") from error


def _rounded(net: R2N2) -> R2N2:
    """A copy whose weights are those that float16 can hold."""
    copy, arrays = model_from_config(net.config.as_dict()), half_precision(get_parameters(net))
    set_parameters(copy, {name: array.astype("float32") for name, array in arrays.items()}, [mx.cpu()], source="export")
    return copy


def _read_facts(path: Path) -> Dict[str, Any]:
    """Parse and check r2n2.json."""
    if not path.is_file():
        raise ModelError(f"{path} is missing: {path.parent} is not an exported model; make one with tools/export.py")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise ModelError(f"{path} does not describe an exported model (wanted the format {FORMAT!r})")
        if facts.get("format_version") != VERSION:
            raise ModelError(f"{path} has format version {facts.get('format_version')!r}, this program reads "
                             f"{VERSION}; export the model again, or use the program that wrote it")
    except (ValueError, RecursionError) as error:  # ModelError is one too
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} is damaged ({error}); export the model again") from error
    checksum = facts.pop("checksum", None)
    if checksum != sha256_of_json(facts):
        raise ModelError(f"{path} was changed after it was written (its checksum is wrong); export the model again")
    return facts


def _verify(net: R2N2, written: StepEngine, read: StepEngine) -> None:
    """Two random views through all three: the file's graph equals the graph, and that is the network."""
    size = net.config.input_size
    views = np.random.RandomState(0).uniform(size=(2, 1, 3, size, size)).astype(np.float32)
    expected = [probabilities.asnumpy() for probabilities in written.stream(mx.nd.array(views))]
    got = [probabilities.asnumpy() for probabilities in read.stream(mx.nd.array(views))]
    difference = max(float(np.abs(one - other).max()) for one, other in zip(expected, got))
    if difference != 0:
        raise ModelError(f"the exported graph differs from the network by up to {difference:.3g}; nothing was written")
    logits = net(mx.nd.array(views)).asnumpy()
    whole = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    if not np.allclose(whole, expected[-1], rtol=0, atol=1e-6):
        raise ModelError("the step graph does not reproduce the network's own forward pass; nothing was written")

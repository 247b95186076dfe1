"""An exported model: a folder that plain MXNet can run, with all facts about its input inside; reading one.

    r2n2-symbol.json   the step graph: (data0 image (B, 3, S, S), data1 state (B, C, N, N, N)) ->
                       (probability of occupied (B, V, V, V), next state)
    r2n2-0000.params   its weights
    r2n2.json          format version, model, preprocessing, frame, threshold, classes, provenance, SHA-256 sums

and, where they were asked for,

    r2n2-sequence5-symbol.json   images (T, B, 3, S, S) -> probability after the last view, for T = 5; same weights
    r2n2-step.onnx, r2n2-sequence5.onnx   the same two graphs as ONNX
    r2n2-encode.onnx, r2n2-absorb.onnx, r2n2-decode.onnx   the parts that our engines run
    r2n2.onnx.data   the weights of all ONNX graphs

The folder of a generative network has a generator as well, see gluon_r2n2.deployment.generators; that of a 3D-GAN has
it in place of the step graph, and another format.
"""
from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterator, Optional, Tuple, Union

import mxnet as mx

import gluon_r2n2
from gluon_r2n2.deployment.engines import INPUTS, StepEngine
from gluon_r2n2.deployment.preprocess import Preprocessing
from gluon_r2n2.errors import ModelError, sees_no_views
from gluon_r2n2.files import damaged, sha256, sha256_of_json
from gluon_r2n2.metrics import DEFAULT_THRESHOLD
from gluon_r2n2.network import ViewNetwork

FORMAT, VERSION = "gluon-r2n2 step graph", 1
GENERATOR_FORMAT = "gluon-r2n2 generator"
FACTS, SYMBOL, PARAMETERS = "r2n2.json", "r2n2-symbol.json", "r2n2-0000.params"
GENERATOR = "r2n2-generator-symbol.json"
NEEDED = {FORMAT: (SYMBOL, PARAMETERS), GENERATOR_FORMAT: (GENERATOR, PARAMETERS)}  # files, by format
FRAME = ("axes (x, y, z) of a right-handed frame, y up, the front of the object towards -z; cell (i, j, k) has its "
         "centre at (index + 0.5) / resolution - 0.5 in the unit cube")
VERSIONS = {"gluon_r2n2": gluon_r2n2.__version__, "mxnet": mx.__version__}


@dataclasses.dataclass(frozen=True)
class Artefact:
    """What r2n2.json says about an exported model."""

    model: Dict[str, Any]  # the network's configuration as a dict
    preprocessing: Preprocessing
    state: Tuple[int, ...]  # shape (C, N, N, N) of the state of one sample; it starts as zeros
    threshold: float  # probability from which on a voxel counts as occupied, chosen on validation data
    classes: Dict[str, str]  # names by synset id of the training data
    provenance: Dict[str, Any]  # run, step, data, versions: where the weights come from
    files: FrozenSet[str] = dataclasses.field(default=frozenset(), compare=False)  # of the folder, found whole

    @classmethod
    def of(cls, net: ViewNetwork, info: Dict[str, Any]) -> Artefact:
        """The facts about a network and what `gluon_r2n2.training.load_network` knows of it."""
        rules = Preprocessing(input_size=info["image"]["size"], background=info["image"]["background"])
        return cls(net.config.as_dict(), rules, net.state_shape, info["threshold"], info["classes"],
                   provenance_of(info))

    @classmethod
    def of_weights(cls, net: ViewNetwork, path: Union[str, Path]) -> Artefact:
        """The facts about a network whose weights came from the file *path*, of which nothing else is known.

        Preprocessing and threshold are the original's.
        """
        provenance = {"weights": Path(path).name, "weights_sha256": sha256(path),
                      "threshold_source": "the original's, not chosen on validation data", "exported_with": VERSIONS}
        return cls(net.config.as_dict(), Preprocessing(input_size=net.config.input_size),
                   net.state_shape, DEFAULT_THRESHOLD, {}, provenance)

    def as_json(self, files: Dict[str, str], **further: Any) -> Dict[str, Any]:
        """The content of r2n2.json: the SHA-256 sums of the other *files*, and what is to be said of optional ones."""
        return sealed({
            "format": FORMAT, "format_version": VERSION, "model": self.model,
            "preprocessing": {**dataclasses.asdict(self.preprocessing), "colour": "RGB", "range": [0.0, 1.0],
                              "layout": "NCHW"},
            "graph": {"inputs": list(INPUTS), "state": list(self.state),
                      "outputs": ["probability of occupied (B, V, V, V)", "next state (B, C, N, N, N)"]},
            **further,
            "voxels": {"resolution": self.model["resolution"], "frame": FRAME},
            "threshold": self.threshold, "classes": self.classes, "provenance": self.provenance, "files": files,
        })


def provenance_of(info: Dict[str, Any]) -> Dict[str, Any]:
    """Where weights come from, of what `gluon_r2n2.training.load_network` knows of them."""
    checkpoint = Path(info["checkpoint"])
    return {
        "run": checkpoint.absolute().parent.parent.name, "checkpoint": checkpoint.name, "step": info["step"],
        "weights_sha256": info["weights_sha256"], "training": info["training"],
        "data": {key: info["data"][key] for key in ("fingerprint", "samples")},
        "threshold_source": info["threshold_source"], "trained_with": info["version"], "exported_with": VERSIONS,
    }


def sealed(facts: Dict[str, Any]) -> Dict[str, Any]:
    """The content of r2n2.json with its own checksum."""
    return {**facts, "checksum": sha256_of_json(facts)}


def is_artefact(path: Union[str, Path]) -> bool:
    """Whether *path* is an exported model, or what is left of one; `read` says what it lacks."""
    return any((Path(path) / name).is_file() for name in (FACTS, SYMBOL, PARAMETERS, GENERATOR))


def read(path: Union[str, Path]) -> Artefact:
    """Read and verify an exported model: all of its files are compared with their checksums.

    Raises:
        ModelError: a file is missing or damaged, or the format is another; the file is named. The model is a 3D-GAN's.
    """
    facts = verified(path)
    with refusing(path):
        if facts["format"] == GENERATOR_FORMAT:
            raise sees_no_views(path)
        rules = {field.name: facts["preprocessing"][field.name] for field in dataclasses.fields(Preprocessing)}
        return Artefact(facts["model"], Preprocessing(**rules), tuple(map(int, facts["graph"]["state"])),
                        float(facts["threshold"]), facts["classes"], facts["provenance"], frozenset(facts["files"]))


def verified(path: Union[str, Path]) -> Dict[str, Any]:
    """The content of r2n2.json, of either format, once all of the folder's files were compared with their checksums.

    Raises:
        ModelError: a file is missing or damaged, or the format is another; the file is named.
    """
    path = Path(path)
    facts = _read_facts(path / FACTS)
    with refusing(path):
        sums = {**{name: facts["files"][name] for name in NEEDED[facts["format"]]}, **facts["files"]}
        if any(Path(name).name != name for name in sums):
            raise ModelError(f"{path / FACTS} lists files outside of its folder; export the model again")
        for name, fault in damaged(path, sums).items():
            raise ModelError(f"{path / name} {fault}; export the model again")
    return facts


def load(path: Union[str, Path], ctx: Optional[mx.Context] = None) -> Tuple[Artefact, StepEngine]:
    """Read an exported model to be run by MXNet; nothing is run before its checksums are right.

    Returns:
        (Artefact, StepEngine on *ctx*, the CPU by default)

    Raises:
        ModelError: a file is missing or damaged, or the format is another; the file is named.
    """
    artefact = read(path)
    with refusing(path):
        return artefact, StepEngine.from_files(Path(path) / SYMBOL, Path(path) / PARAMETERS, state=artefact.state,
                                               ctx=ctx)


@contextlib.contextmanager
def refusing(path: Union[str, Path]) -> Iterator[None]:
    """Turn what goes wrong with well-formed files that are not ours into a ModelError that names the folder."""
    try:
        yield
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AssertionError, mx.MXNetError) as error:
        raise ModelError(f"{path} is no model that tools/export.py wrote ({type(error).__name__}); "
                         "export the model again") from error


def _read_facts(path: Path) -> Dict[str, Any]:
    """Parse and check r2n2.json."""
    if not path.is_file():
        raise ModelError(f"{path} is missing: {path.parent} is not an exported model; make one with tools/export.py")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(facts, dict) or facts.get("format") not in NEEDED:
            raise ModelError(f"{path} does not describe an exported model (wanted the format "
                             f"{' or '.join(map(repr, NEEDED))})")
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

"""tools/eval.py --save-features and --classify: a discriminator's features, and a linear classifier on them."""
from __future__ import annotations

from typing import Any, Dict, Optional

import numpy as np
from scipy import sparse

from gluon_r2n2.environment import require
from gluon_r2n2.evaluation import generative
from gluon_r2n2.files import atomic_path
from gluon_r2n2_tools import eval_stages, packed
from recordio.errors import DataError
from recordio.loading import RecordDataset


def prepare(options) -> Dict[str, RecordDataset]:
    """The objects that a classifier learns from and is asked about, of --classes or else of all classes of the data.

    Of all, because a discriminator that was trained on one class has features of the others as well.

    Raises:
        DataError: no such class, or a single one where several are to be told apart.
        EnvironmentProblem: --classify without scikit-learn.
    """
    data = {"train": RecordDataset(options.data, "train", classes=options.classes),
            "test": RecordDataset(options.data, options.split, classes=options.classes)}
    if options.classify:
        require("sklearn")
        if len(data["train"].class_names) < 2:
            raise DataError(f"--classify wants at least two classes to tell apart, the train split of {options.data} "
                            f"has {', '.join(data['train'].class_names.values())} only; choose others with --classes")
    return data


def run(data: Dict[str, RecordDataset], net, options) -> Optional[Dict[str, Any]]:
    """Write --save-features and work out --classify; the latter's result, None without it."""
    arrays, voxels = {}, {}
    for part, dataset in data.items():
        dataset, features, rows = eval_stages.sound(dataset, options), [], []
        for _, grids in packed.voxel_blocks(dataset, f"discriminator's features, {part}"):
            features.append(generative.discriminator_features(net, grids))
            rows.append(sparse.csr_matrix(grids.reshape(len(grids), -1), dtype=np.float32))  # a tenth is occupied
        arrays.update({f"features_{part}": np.concatenate(features), f"keys_{part}": np.array(dataset.keys),
                       f"classes_{part}": np.array(dataset.class_ids)})
        voxels[part] = sparse.vstack(rows, format="csr")
    if options.save_features:
        with atomic_path(options.save_features) as temporary, open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)
        print(f"-> {options.save_features}")
    if not options.classify:
        return None
    classes = (arrays["classes_train"].tolist(), arrays["classes_test"].tolist())
    inputs = {"features": (arrays["features_train"], arrays["features_test"]), "voxels": (voxels["train"],
                                                                                            voxels["test"])}
    found = {name: generative.linear_accuracy(train, classes[0], test, classes[1])
             for name, (train, test) in inputs.items()}
    return {"fitted": len(classes[0]), "tested": len(classes[1]), "keys": arrays["keys_test"].tolist(),
            "classes": {**data["train"].class_names, **data["test"].class_names},
            "length": arrays["features_train"].shape[1], **found}

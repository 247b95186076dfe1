"""Stage 4, encoder: an ImageNet network of gluon-cv's model zoo in place of the paper's six stages.

Its classifier is left out: the last map, 32 times smaller than the picture, is what the code is computed from.
"""
from __future__ import annotations

import zipfile
from typing import List

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.errors import ModelError

# of the ImageNet pictures that the weights were trained on, RGB in [0, 1]; as in gluon-cv's training scripts
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Backbone(HybridBlock):
    """Images (B, 3, S, S) in [0, 1] -> feature maps (B, C, S / 32, S / 32), rounded up.

    Attributes:
        out_channels, out_size: C and the edge of the maps.
    """

    def __init__(self, name: str, input_size: int, **kwargs):
        super().__init__(**kwargs)
        self.name_in_zoo = name
        with self.name_scope():
            self.features = nn.HybridSequential()
            self.features.add(*feature_layers(_zoo(name)))
        shape = (1, 3, input_size, input_size)
        self.features.infer_shape(mx.nd.zeros(shape))  # gluon-cv leaves the input channels open
        _, (out,), _ = self.features(mx.sym.var("data")).infer_shape(data=shape)
        self.out_channels, self.out_size = out[1], out[2]

    def hybrid_forward(self, F, images):
        planes = F.split(images, num_outputs=3, axis=1)
        planes = [(plane - mean) / deviation for plane, mean, deviation in zip(planes, MEAN, DEVIATION)]
        return self.features(F.concat(*planes, dim=1))


def feature_layers(network: HybridBlock) -> List[HybridBlock]:
    """The layers of a gluon-cv classifier before its global pooling."""
    layers = network.features if hasattr(network, "features") else network
    layers = list(layers._children.values())
    pooling = [isinstance(layer, nn.GlobalAvgPool2D) for layer in layers].index(True)
    return layers[:pooling]


def load_imagenet(net) -> None:
    """Fill the backbone of an initialised network with gluon-cv's ImageNet weights, downloaded where need be.

    gluon-cv keeps them in ~/.mxnet/models, or in $MXNET_HOME/models, and verifies their SHA-1.

    Args:
        net: an `R2N2` whose encoder is one of `gluon_r2n2.config.BACKBONES`.

    Raises:
        ModelError: the encoder has no such weights, or they are neither here nor to be had.
    """
    backbone = getattr(net.encoder.stages, "backbone", None)
    if backbone is None:
        raise ModelError(f"there are no ImageNet weights for the encoder {net.config.encoder!r}; choose a model with a "
                         "backbone, such as resnet18_gru_3")
    name = backbone.name_in_zoo
    try:
        source = _zoo(name, pretrained=True)
    # offline and full disks are OSErrors, a refusing server is a RuntimeError, what is not the file one of the others
    except (OSError, RuntimeError, ValueError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ModelError(f"the ImageNet weights {_file_name(name)} are not, or not whole, in ~/.mxnet/models (or in "
                         f"$MXNET_HOME/models) and could not be downloaded ({reason}); go online, copy the file from "
                         "another machine, or start without them") from error
    copied = nn.HybridSequential()
    copied.add(*feature_layers(source))
    own = backbone.features._collect_params_with_prefix()
    for key, parameter in copied._collect_params_with_prefix().items():
        own[key].set_data(parameter.data())


def _file_name(name: str) -> str:
    from gluoncv.model_zoo.model_store import short_hash

    return f"{name}-{short_hash(name)}.params"


def _zoo(name: str, **options) -> HybridBlock:
    from gluoncv.model_zoo import get_model  # here: it takes a second, and most networks do not need it

    return get_model(name, **options)

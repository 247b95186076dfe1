"""gluon-r2n2: photographs of an object in, a 3D model out (3D-R2N2 in MXNet/Gluon)."""
from gluon_r2n2 import _requirements  # noqa: F401  (first: one sentence where mxnet cannot work here)
from gluon_r2n2.config import ModelConfig
from gluon_r2n2.errors import ModelError
from gluon_r2n2.initialisers import initialise
from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.model_zoo import get_model, list_models, model_config, model_from_config, model_name
from gluon_r2n2.network import R2N2

__version__ = "0.1.0"
__all__ = ["ModelConfig", "ModelError", "R2N2", "VoxelLoss", "__version__", "get_model", "initialise", "list_models",
           "model_config", "model_from_config", "model_name"]

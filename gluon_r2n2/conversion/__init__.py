"""Published weights of the original (and of its PyTorch port) -> parameters of our networks: read, convert, save."""
from gluon_r2n2.conversion.importing import convert_published, detect_model, import_weights, read_published
from gluon_r2n2.conversion.numpy_files import read_original
from gluon_r2n2.conversion.original import (
    OriginalParameter,
    convert_original,
    original_parameters,
    published_configs,
)
from gluon_r2n2.conversion.saving import (
    Verification,
    fingerprint,
    load_weights,
    load_weights_into,
    save_weights,
    verify,
)
from gluon_r2n2.conversion.torch_port import convert_port, to_port

__all__ = ["OriginalParameter", "Verification", "convert_original", "convert_port", "convert_published",
           "detect_model", "fingerprint", "import_weights", "load_weights", "load_weights_into", "original_parameters",
           "published_configs", "read_original", "read_published", "save_weights", "to_port", "verify"]

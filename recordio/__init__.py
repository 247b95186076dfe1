"""The data side of gluon-r2n2: shapes and meshes -> renders and voxels -> records -> batches. No mxnet here.

The names are in the sub-packages (recordio.loading, recordio.records, ...), so that using one loads no other.
"""
from recordio.errors import DataError

__all__ = ["DataError"]

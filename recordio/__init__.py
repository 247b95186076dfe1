"""The data side of gluon-r2n2: shapes and meshes -> renders and voxels -> records -> batches. No mxnet here."""

"""Packaging: the three packages, tools/ as `gluon_r2n2_tools`, and versions that resolve together.

mxnet 1.9.1 is the last release and sets the frame: NumPy below 1.24, so Python 3.8 to 3.11. It is an extra and no
plain requirement, because the CPU and the GPU build are two distributions of the one module.
"""
from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent

REQUIRES = [
    "numpy>=1.22,<1.24",  # mxnet 1.9.1 uses np.bool, which 1.24 removed
    "opencv-python>=4.5,<4.12",  # 4.12 wants NumPy 2; gluoncv needs this one, never the headless twin beside it
    "gluoncv>=0.10.5,<0.11",
    "scipy>=1.8",
    "scikit-image>=0.19",
    "trimesh>=4.0",
    "numba>=0.57",  # the first that knows Python 3.11
    "Pillow>=10.1",
    "tqdm>=4.60",
    "tensorboardX>=2.6",  # the encoding of TensorBoard's files; neither TensorFlow nor PyTorch is needed
    "PyYAML>=5.4",  # files of options: train.py --config
    "zstandard>=0.18",
    "xxhash>=3.0",
    "fast-simplification>=0.1.7",  # what trimesh decimates with
]

EXTRAS = {
    "cpu": ["mxnet==1.9.1"],
    "cu112": ["mxnet-cu112==1.9.1"],  # instead of cpu, on a machine with CUDA 11.2
    # lower bounds of these three: what Python 3.8 gets, the oldest that anything was tried with; protobuf follows onnx
    "onnx": ["onnx>=1.17", "onnxruntime>=1.19"],
    "openvino": ["onnx>=1.17", "openvino>=2024.4"],  # onnx: for models that were exported without ONNX graphs
    # h11: what uvicorn reads HTTP with, whose limits serving sets
    "serve": [
        "fastapi>=0.124", "pydantic>=2.10", "uvicorn>=0.33", "h11>=0.16",
        "python-multipart>=0.0.20", "prometheus-client>=0.21",
    ],
    "classify": ["scikit-learn>=1.2,<1.8"],  # 1.8 wants NumPy 1.24
    "test": [
        "pytest>=7.0",
        "scikit-learn>=1.2,<1.8",  # as in classify; an independent truth of the metrics as well
        "httpx>=0.28", "schemathesis>=3.39", "playwright>=1.48",  # as above: what Python 3.8 gets
    ],
    "lint": ["ruff>=0.4", "mypy>=1.5"],
}

# The console command r2n2-NAME runs main() of tools/<module>.py.
COMMANDS = {
    "make-shapes": "make_shapes",
    "render-meshes": "render_meshes",
    "import-dataset": "import_dataset",
    "contact-sheet": "contact_sheet",
    "pack": "pack_rec",
    "check": "check_rec",
    "train": "train",
    "train-gan": "train_gan",
    "launch": "launch",
    "eval": "eval",
    "export": "export",
    "import-weights": "import_weights",
    "reconstruct": "reconstruct",
    "sample": "sample",
    "show": "show",
    "serve": "serve",
    "demo": "demo",
}

setup(
    name="gluon-r2n2",
    version="0.1.0",
    description="3D-R2N2 in MXNet Gluon: photographs of an object in, a voxel model out",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="gluon-r2n2 authors",
    license="MIT",
    python_requires=">=3.8,<3.12",
    packages=[
        *find_packages(include=["gluon_r2n2", "gluon_r2n2.*", "operators", "operators.*", "recordio", "recordio.*"]),
        "gluon_r2n2_tools",
    ],
    package_dir={"gluon_r2n2_tools": "tools"},
    package_data={"": ["*.html", "*.css", "*.js", "*.json", "*.webp", "pretrained/*/*"]},
    install_requires=REQUIRES,
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": [f"r2n2-{name} = gluon_r2n2_tools.{module}:main" for name, module in COMMANDS.items()],
    },
    classifiers=[
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.8",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Image Processing",
    ],
)

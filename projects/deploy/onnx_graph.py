"""ONNX files of graphs, and how far ONNX Runtime is from PyTorch on them.

The packages ``onnx`` and ``onnxruntime`` are needed here alone and imported on first use.
"""

import inspect
import io
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .graphs import DepthGraph, OccGraph

OPSET = 17
"""Of all operators; TensorRT 8.6 and ONNX Runtime 1.14 read it."""


class Parity(NamedTuple):
    """How far an output is from that of PyTorch."""

    difference: float
    """Largest absolute difference of an element; NaN where either output holds NaN."""
    size: float
    """Largest absolute value that PyTorch gives."""

    @property
    def relative(self) -> float:
        """The difference as a part of the size."""
        return self.difference / self.size if self.size else self.difference

    def within(self, tolerance: float) -> bool:
        """Whether the difference is at most ``tolerance`` times the size; never with NaN or infinity."""
        return bool(np.isfinite(self.size) and self.difference <= tolerance * self.size)


def require_onnx(packages: Sequence[str] = ('onnx', 'onnxruntime')) -> None:
    """Look for the optional packages without importing them.

    Args:
        packages (Sequence[str]): Names of modules. Defaults to ('onnx', 'onnxruntime').

    Raises:
        ImportError: If one is missing; says how to install it.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ImportError(
            f'{" and ".join(missing)} must be installed for ONNX files: run pip install -r requirements-onnx.txt, or '
            "pip install -e '.[onnx]', in the folder of GeoDistill3D"
        )


def export_onnx(graph: OccGraph | DepthGraph, images: Tensor) -> bytes:
    """Trace a graph.

    Args:
        graph (OccGraph | DepthGraph): The graph, in eval mode.
        images (Tensor): Its input; the file takes this shape alone.

    Returns:
        bytes: Content of the ONNX file, with the input ``graph.INPUT`` and the outputs ``graph.outputs``.
    """
    # The exporter by tracing needs no package beside onnx; before PyTorch 2.5 it is the only one.
    parameters = inspect.signature(torch.onnx.export).parameters
    by_tracing: dict[str, Any] = {'dynamo': False} if 'dynamo' in parameters else {}
    file: Any = io.BytesIO()  # the type hints of torch know files by name alone
    with warnings.catch_warnings(), torch.no_grad():
        # That shapes become constants is what we want, and that a newer exporter exists is known.
        warnings.simplefilter('ignore', torch.jit.TracerWarning)
        warnings.simplefilter('ignore', DeprecationWarning)
        torch.onnx.export(
            graph,
            (images,),
            file,
            input_names=[graph.INPUT],
            output_names=list(graph.outputs),
            opset_version=OPSET,
            **by_tracing,
        )
    return file.getvalue()


def operators_of(content: bytes) -> dict[str, int]:
    """How often each operator is in an ONNX file, by name; constants are no operators.

    Args:
        content (bytes): Content of the file, which is checked.
    """
    import onnx

    model = onnx.load_model_from_string(content)
    onnx.checker.check_model(model)
    counts = Counter(node.op_type for node in model.graph.node if node.op_type != 'Constant')
    return dict(sorted(counts.items()))


def open_session(content: bytes) -> Any:
    """ONNX Runtime on the CPU, with as many threads as PyTorch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])


def run_session(session: Any, images: Tensor) -> dict[str, np.ndarray]:
    """Outputs of a session by name.

    Args:
        session (onnxruntime.InferenceSession): Of a file with one input.
        images (Tensor): The input, on the CPU.
    """
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: images.numpy()})))


def compare(outputs: Mapping[str, np.ndarray], expected: Mapping[str, Tensor]) -> dict[str, Parity]:
    """How far each output is from the one of that name of PyTorch.

    Args:
        outputs (Mapping[str, np.ndarray]): From :func:`run_session`.
        expected (Mapping[str, Tensor]): Outputs of the model.

    Returns:
        dict[str, Parity]: By name.

    Raises:
        ValueError: If an output has another shape.
    """
    found = {}
    for name, output in outputs.items():
        other = expected[name].numpy()
        if output.shape != other.shape:
            raise ValueError(f'{name} is {output.shape} in ONNX Runtime and {other.shape} in PyTorch')
        found[name] = Parity(float(np.abs(output - other).max()), float(np.abs(other).max()))
    return found

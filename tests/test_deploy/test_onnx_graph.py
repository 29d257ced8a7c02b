"""ONNX files compute in ONNX Runtime what the models compute in PyTorch."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from projects.deploy import Parity, compare, export_onnx, graph_of, open_session, operators_of, require_onnx
from projects.deploy import run_session as run


@pytest.fixture
def onnx():
    pytest.importorskip('onnxruntime')
    return pytest.importorskip('onnx')


def test_runtime_gives_the_outputs_of_the_model_for_other_images(student, onnx):
    model, inputs = student
    graph = graph_of(model, inputs)
    content = export_onnx(graph, inputs[graph.INPUT])
    others = {**inputs, graph.INPUT: torch.randn_like(inputs[graph.INPUT])}
    with torch.no_grad():
        expected = model.predict_outputs(others)
    parity = compare(run(open_session(content), others[graph.INPUT]), expected)
    assert tuple(parity) == graph.outputs
    assert all(found.within(1e-4) for found in parity.values())
    assert all(found.size > 0.01 for found in parity.values())

    file = onnx.load_model_from_string(content)
    nodes = Counter(node.op_type for node in file.graph.node)
    assert operators_of(content) == {name: count for name, count in nodes.items() if name != 'Constant'}
    assert not [name for name in nodes if 'Scatter' in name]  # TensorRT would leave out the sum
    assert [value.name for value in file.graph.input] == [graph.INPUT]
    assert file.opset_import[0].version == 17


def test_difference_counts_as_a_part_of_the_largest_value():
    parity = compare({'a': np.array([1.0, -3.9])}, {'a': torch.tensor([1.2, -4.0])})['a']
    assert parity.difference == pytest.approx(0.2, abs=1e-6)
    assert parity.size == 4.0
    assert parity.relative == pytest.approx(0.05, abs=1e-6)
    assert parity.within(0.051)
    assert not parity.within(0.049)


@pytest.mark.parametrize('parity', [Parity(math.nan, 1.0), Parity(0.0, math.inf), Parity(math.nan, math.nan)])
def test_what_is_not_finite_is_within_no_tolerance(parity):
    assert not parity.within(1e9)


def test_outputs_of_another_shape_are_an_error():
    with pytest.raises(ValueError, match=r'a is \(1, 2\) in ONNX Runtime and \(2,\) in PyTorch'):
        compare({'a': np.zeros((1, 2))}, {'a': torch.zeros(2)})


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(ImportError, match='no_such_package must be installed for ONNX files'):
        require_onnx(('json', 'no_such_package'))

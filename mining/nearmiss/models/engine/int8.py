"""
Weights in eight bits: a graph's large matrices, rounded to 255 steps a row.

In:  an OpenVINO graph with float32 weights
Out: the same graph with int8 weights, which the runtime multiplies by activations that it rounds as they come

Nothing is calibrated on anybody's texts, so the rounded model is a function of the weights alone. Calibrated ranges
(NNCF) were a fifth faster and lost half a point of nDCG@10 on Cranfield; these lose nothing measurable.
"""

from typing import Any

import numpy as np

SMALLEST = 64  # rows and columns below which rounding saves nothing


def round_weights(graph: Any) -> None:
    """Replace, in place, each constant float32 matrix that activations are multiplied by."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "MatMul" and _is_large_weight(node.input_value(1).get_node()):
            weight = node.input_value(1).get_node()
            # One scale for each output: the axis that the product keeps.
            summed = 1 if node.get_attributes()["transpose_b"] else 0
            weight.output(0).replace(_rounded(weight.data, summed).output(0))
    graph.validate_nodes_and_infer_types()


def _is_large_weight(node: Any) -> bool:
    if node.get_type_name() != "Constant" or node.data.dtype != np.float32:
        return False
    return bool(node.data.ndim == 2 and min(node.data.shape) >= SMALLEST)


def _rounded(weight: Any, summed: int) -> Any:
    """int8 steps times a scale, as nodes: the runtime knows this pattern and keeps the steps."""
    from openvino import Type, opset13

    scale = np.maximum(np.abs(weight).max(axis=summed, keepdims=True), 1e-12) / 127
    steps = opset13.constant(np.rint(weight / scale).astype(np.int8))
    return opset13.multiply(opset13.convert(steps, Type.f32.to_string()), opset13.constant(scale.astype(np.float32)))

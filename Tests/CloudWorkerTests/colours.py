# SPDX-License-Identifier: Apache-2.0
"""colours.py OUT.onnx: a network whose three logits are the means of red, green and blue of an 8x8 image."""
import sys

import onnx
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("ReduceMean", ["image"], ["logits"], axes=[2, 3], keepdims=0)], "colours",
    [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
    [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), sys.argv[1])

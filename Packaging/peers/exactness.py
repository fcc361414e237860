# SPDX-License-Identifier: Apache-2.0
"""Whether an engine's int8 convolutions give the sums that integers have, for operands that use their whole range.

usage: python exactness.py ENGINE…

Prints one object of JSON: by engine and layer, the share of results that are off by more than one step of the output's scale, the largest
error in steps, and what the engine says it computed the layer in. A step off is rounding; more is a sum that saturated on its way.
"""
import json
import os
import pathlib
import struct
import sys
import tempfile

import numpy as np

SIZE = 14
LAYERS = {"3×3, 64 → 64": (3, 64, 64), "1×1, 256 → 64": (1, 256, 64)}


def operands(layer, signed):
    """Integers of the layer: activations [1, c, h, w] of the full range, weights [o, c, k, k] in −127 … 127."""
    kernel, inputs, outputs = LAYERS[layer]
    random = np.random.default_rng(0)
    x = random.integers(-127 if signed else 0, 128 if signed else 256, (1, inputs, SIZE, SIZE))
    return x, random.integers(-127, 128, (outputs, inputs, kernel, kernel))


def sums(x, weights):
    """The convolution in integers, with zeros around the image."""
    kernel = weights.shape[2]
    border = kernel // 2
    padded = np.pad(x, ((0, 0), (0, 0), (border, border), (border, border)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    return np.einsum("nchwyx,ocyx->nohw", windows, weights, optimize=True).astype(np.int64)


def compare(found, exact, step, kernel):
    """found and exact as real numbers of one scale."""
    errors = np.abs(found - exact) / step
    # Half a step is rounding to the output's scale; the engine's own rounding may fall on the other side.
    return {"wrong": float((errors > 1.01).mean()), "worst": int(np.rint(errors.max())), "kernel": kernel}


def qdq_model(layer, folder):
    """x → quantise → convolution of dequantised weights → quantise, all scales but the output's 1."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    x, weights = operands(layer, signed=False)
    exact = sums(x, weights)
    step = np.float32(np.abs(exact).max() / 127)
    constants = {
        "one": np.float32(1), "zero": np.uint8(0), "step": step, "middle": np.uint8(128), "weights": weights.astype(np.int8),
        "scales": np.ones(len(weights), np.float32), "zeros": np.zeros(len(weights), np.int8),
    }
    border = weights.shape[2] // 2
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "one", "zero"], ["xq"]), helper.make_node("DequantizeLinear", ["xq", "one", "zero"], ["xd"]),
        helper.make_node("DequantizeLinear", ["weights", "scales", "zeros"], ["wd"], axis=0),
        helper.make_node("Conv", ["xd", "wd"], ["c"], pads=[border] * 4),
        helper.make_node("QuantizeLinear", ["c", "step", "middle"], ["yq"]), helper.make_node("DequantizeLinear", ["yq", "step", "middle"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "layer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, exact.shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, folder / "layer.onnx")
    return x.astype(np.float32), np.clip(exact, -128 * step, 127 * step), step


def ort(layer, folder):
    import onnx
    import onnxruntime

    x, exact, step = qdq_model(layer, folder)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / "layer.onnx"), options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(folder / "optimized.onnx").graph.node}
    return compare(session.run(None, {"x": x})[0], exact, step, "QLinearConv" if "QLinearConv" in kinds else "float32")


def openvino(layer, folder):
    sys.modules["openvino_telemetry"] = None
    import openvino as ov

    x, exact, step = qdq_model(layer, folder)
    compiled = ov.Core().compile_model(ov.Core().read_model(folder / "layer.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    facts = [op.get_rt_info() for op in compiled.get_runtime_model().get_ops()]
    kinds = [fact["primitiveType"].astype(str) for fact in facts if fact["layerType"].astype(str) == "Convolution"]
    return compare(compiled(x)[0], exact, step, kinds[0] if kinds else "?")


def ncnn(layer, folder):
    import ncnn

    from ncnn_int8 import INT8_TAG

    x, weights = operands(layer, signed=True)
    exact = sums(x, weights)
    outputs, _, kernel, _ = weights.shape
    (folder / "layer.param").write_text(
        f"7767517\n2 2\nInput in0 0 1 in0\nConvolution layer 1 1 in0 out0 0={outputs} 1={kernel} 4={kernel // 2} 6={weights.size} 8=2\n")
    ones = struct.pack("<f", 1.0)
    (folder / "layer.bin").write_bytes(struct.pack("<I", INT8_TAG) + weights.astype(np.int8).tobytes() + ones * (outputs + 1))
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.load_param(str(folder / "layer.param"))
    net.load_model(str(folder / "layer.bin"))
    image = np.ascontiguousarray(x[0], np.float32)  # a Mat doesn't keep it
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(image))
    return compare(np.array(extractor.extract("out0")[1])[None], exact, np.abs(exact).max() / 127, "int8")


def litert(layer, folder):
    import litert_torch
    import torch
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    x, weights = operands(layer, signed=True)
    outputs, inputs, kernel, _ = weights.shape
    module = torch.nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False).eval()
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(weights / 127))
    example = torch.from_numpy((x / 127).astype(np.float32))
    litert_torch.convert(module, (example,)).export(str(folder / "float.tflite"))
    conversion = quantizer.Quantizer(str(folder / "float.tflite"), recipe.static_wi8_ai8())
    (key, ports), = Interpreter(model_path=str(folder / "float.tflite")).get_signature_list().items()
    calibration = conversion.calibrate({key: [{ports["inputs"][0]: example.numpy()}]})
    conversion.quantize(calibration).export_model(str(folder / "layer.tflite"), overwrite=True)

    # The model's own integers: whatever it was quantised to, these are what it computes with.
    interpreter = Interpreter(model_path=str(folder / "layer.tflite"))
    interpreter.allocate_tensors()
    details = interpreter.get_tensor_details()
    weight = next(d for d in details if d["dtype"] == np.int8 and tuple(d["shape"]) == (outputs, kernel, kernel, inputs))
    integers = interpreter.get_tensor(weight["index"]).transpose(0, 3, 1, 2).astype(np.int64)
    scales = weight["quantization_parameters"]["scales"]
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = source["quantization"]
    quantized = np.clip(np.rint(example.numpy() / scale) + zero, -128, 127).astype(np.int8)
    interpreter.set_tensor(source["index"], quantized)
    interpreter.invoke()
    exact = sums(quantized.astype(np.int64) - zero, integers) * (scale * scales.reshape(1, -1, 1, 1))
    step, zero = target["quantization"]
    found = (interpreter.get_tensor(target["index"]).astype(np.int64) - zero) * step
    return compare(found, np.clip(exact, (-128 - zero) * step, (127 - zero) * step), step, "int8")


def main():
    # What libraries print isn't an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    results = {}
    for engine in sys.argv[1:]:
        results[engine] = {}
        for layer in LAYERS:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    results[engine][layer] = globals()[engine](layer, pathlib.Path(folder))
                except Exception as error:
                    results[engine] = {"error": f"{type(error).__name__}: {error}"}
                    break
    print(json.dumps(results), file=answers)


if __name__ == "__main__":
    main()

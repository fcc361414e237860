# SPDX-License-Identifier: Apache-2.0
"""Converts a network for one engine, into the folder that networks.py filled.

usage: python convert.py ENGINE PRECISION FOLDER

int8 is what each engine's own tools make of the same eight images: onnxruntime static QDQ, u8 activations, s8 weights a channel; OpenVINO nncf's
PERFORMANCE preset; LiteRT full integer, s8, weights a channel; ncnn see ncnn_int8.py. None of them sends anything anywhere.
"""
import os
import pathlib
import subprocess
import sys

import numpy as np


def inputs(folder):
    return np.load(folder / "inputs.npy")


def ort_fp32(folder):
    """It reads the ONNX file."""


def ort_int8(folder):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quant_pre_process, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rest = iter([{"input": x[None]} for x in inputs(folder)])

        def get_next(self):
            return next(self.rest, None)

    prepared = folder / "ort_prepared.onnx"
    quant_pre_process(str(folder / "model.onnx"), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared), str(folder / "ort_int8.onnx"), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    prepared.unlink()


def openvino_model(folder):
    # Without this module OpenVINO and nncf report their use to nobody.
    sys.modules["openvino_telemetry"] = None
    import openvino

    model = openvino.convert_model(folder / "model.onnx")
    model.reshape([1, *inputs(folder).shape[1:]])
    return openvino, model


def openvino_fp32(folder):
    openvino, model = openvino_model(folder)
    openvino.save_model(model, folder / "openvino_fp32.xml", compress_to_fp16=False)


def openvino_int8(folder):
    openvino, model = openvino_model(folder)
    import nncf

    data = nncf.Dataset([x[None] for x in inputs(folder)])
    quantized = nncf.quantize(
        model, data, preset=nncf.QuantizationPreset.PERFORMANCE, target_device=nncf.TargetDevice.CPU, subset_size=len(inputs(folder)))
    openvino.save_model(quantized, folder / "openvino_int8.xml", compress_to_fp16=False)


def ncnn_fp32(folder):
    shape = ",".join(map(str, (1, *inputs(folder).shape[1:])))
    tool = pathlib.Path(sys.executable).parent / "pnnx"
    subprocess.run([tool, "model.pt", f"inputshape=[{shape}]", "fp16=0", "ncnnparam=ncnn_fp32.param", "ncnnbin=ncnn_fp32.bin"], check=True)
    for rest in [*folder.glob("model.pnnx.*"), *folder.glob("model_*.py")]:
        rest.unlink()


def ncnn_int8(folder):
    import ncnn_int8 as quantizer

    quantizer.quantize(folder / "ncnn_fp32", folder / "ncnn_int8", inputs(folder))


def mnn_fp32(folder):
    # The converter itself. The script mnnconvert would also install a logger and report its use.
    import MNN  # noqa: F401  (the converter needs it loaded)
    import _tools

    _tools.mnnconvert(["mnnconvert", "-f", "ONNX", "--modelFile", str(folder / "model.onnx"), "--MNNModel", str(folder / "mnn_fp32.mnn"),
                       "--bizCode", "bench"])


def litert_fp32(folder):
    import litert_torch
    import torch

    import networks

    example = torch.from_numpy(inputs(folder)[:1])
    litert_torch.convert(networks.network(folder.name), (example,)).export(str(folder / "litert_fp32.tflite"))


def litert_int8(folder):
    from ai_edge_quantizer import quantizer, recipe
    from ai_edge_litert.interpreter import Interpreter

    source = str(folder / "litert_fp32.tflite")
    signature = Interpreter(model_path=source).get_signature_list()
    (key, ports), = signature.items()
    conversion = quantizer.Quantizer(source, recipe.static_wi8_ai8())
    calibration = conversion.calibrate({key: [{ports["inputs"][0]: x[None]} for x in inputs(folder)]})
    conversion.quantize(calibration).export_model(str(folder / "litert_int8.tflite"), overwrite=True)


def main():
    engine, precision, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    os.chdir(folder)
    globals()[f"{engine}_{precision}"](folder)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""One engine with one network, driven by lines on standard input as `swiftlet bench --worker` is.

usage: python worker.py ENGINE PRECISION FOLDER THREADS

Prints a line of JSON once the first run is done. Then `run SECONDS` runs until the time is over and answers {"times_ms": [...]};
`output FILE.npy` writes the result of the last run. ENGINE "none" only imports numpy and loads the input: what Python itself takes.
"""
import json
import os
import sys
import time

import numpy as np


def ort(model, threads, x):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model + ".onnx", options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: x})[0]


def openvino(model, threads, x):
    sys.modules["openvino_telemetry"] = None
    import openvino as ov

    compiled = ov.Core().compile_model(
        model + ".xml", "CPU",
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1})
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(x))

    def run():
        request.infer()
        return request.get_output_tensor().data

    return run


def ncnn(model, threads, x):
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads
    net.load_param(model + ".param")
    net.load_model(model + ".bin")
    image = ncnn.Mat(x[0])

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", image)
        return extractor.extract("out0")[1]

    run.keeps = x  # a Mat doesn't
    return run


def mnn(model, threads, x):
    import MNN

    interpreter = MNN.Interpreter(model + ".mnn")
    session = interpreter.createSession({"backend": "CPU", "numThread": threads, "precision": "high"})
    target = interpreter.getSessionInput(session)
    image = MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe)
    output = interpreter.getSessionOutput(session)
    shape = output.getShape()
    result = MNN.Tensor(shape, MNN.Halide_Type_Float, np.zeros(shape, np.float32), MNN.Tensor_DimensionType_Caffe)

    def run():
        target.copyFrom(image)
        interpreter.runSession(session)
        output.copyToHostTensor(result)
        return result.getNumpyData()

    return run


def litert(model, threads, x):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model + ".tflite", num_threads=threads)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    if source["dtype"] != np.float32:
        # The model takes int8: NumPy's conversion, slow beside a network, isn't counted, nor is that of the output.
        scale, zero_point = source["quantization"]
        x = np.clip(np.rint(x / scale) + zero_point, -128, 127).astype(np.int8)

    def run():
        interpreter.set_tensor(source["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(target["index"])

    def real(values):
        if target["dtype"] == np.float32:
            return values
        scale, zero_point = target["quantization"]
        return (values.astype(np.float32) - zero_point) * scale

    run.real = real
    return run


def main():
    engine, precision, folder, threads = sys.argv[1:5]
    x = np.load(f"{folder}/input.npy")
    if engine == "none":
        print(json.dumps({"ready": True}), flush=True)
        sys.stdin.read()
        return
    name = "model" if (engine, precision) == ("ort", "fp32") else f"{engine}_{precision}"
    # What libraries print as they load isn't an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    clock = time.perf_counter
    start = clock()
    run = globals()[engine](f"{folder}/{name}", int(threads), x)
    loaded = clock()
    result = run()
    first = clock()
    print(json.dumps({"ready": True, "load_ms": 1e3 * (loaded - start), "first_ms": 1e3 * (first - loaded)}), file=answers, flush=True)
    for line in sys.stdin:
        command, argument = line.split(maxsplit=1)
        if command == "run":
            times, end = [], clock() + float(argument)
            while True:
                begin = clock()
                result = run()
                now = clock()
                times.append(1e3 * (now - begin))
                if now >= end:
                    break
            print(json.dumps({"times_ms": times}), file=answers, flush=True)
        elif command == "output":
            real = getattr(run, "real", lambda values: values)
            np.save(argument.strip(), np.asarray(real(result), np.float32).reshape(-1))
            print(json.dumps({"written": True}), file=answers, flush=True)
        else:
            sys.exit(f"unknown command {line!r}")


if __name__ == "__main__":
    main()

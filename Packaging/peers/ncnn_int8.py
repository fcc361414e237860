# SPDX-License-Identifier: Apache-2.0
"""Quantises an ncnn network to int8 as ncnn2int8 does, which isn't on PyPI: weights symmetric with a scale an output channel, activations symmetric
with a fixed scale, by the largest magnitude that the calibration inputs give; a convolution that only convolutions read writes int8 itself.
"""
import struct

import numpy as np

INT8_TAG = 0x000D4B38
CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise")
SCALE_TERM, MANY_SCALES, GROUP_SCALES, REQUANTISES = 8, 2, 1, 100


class Layer:
    def __init__(self, line):
        fields = line.split()
        self.kind, self.name, inputs, outputs = fields[0], fields[1], int(fields[2]), int(fields[3])
        self.inputs, self.outputs = fields[4:4 + inputs], fields[4 + inputs:4 + inputs + outputs]
        self.parameters = fields[4 + inputs + outputs:]
        self.numbers = dict(field.split("=") for field in self.parameters)
        self.is_quantized = self.kind in (*CONVOLUTIONS, "InnerProduct")
        self.requantises = None

    def number(self, key):
        return int(self.numbers.get(str(key), 0))

    def line(self):
        parameters = list(self.parameters)
        if self.is_quantized:
            term = GROUP_SCALES if self.kind == "ConvolutionDepthWise" else MANY_SCALES
            parameters.append(f"{SCALE_TERM}={term + (REQUANTISES if self.requantises else 0)}")
        return " ".join([self.kind, self.name, str(len(self.inputs)), str(len(self.outputs)), *self.inputs, *self.outputs, *parameters])

    def raw_floats(self):
        """How many untagged float32 numbers a layer that isn't quantised has in the file."""
        match self.kind:
            case "BatchNorm":
                return 4 * self.number(0)
            case "PReLU":
                return self.number(0)
            case "Scale":
                return self.number(0) * (1 + self.number(1))
            case "MemoryData":
                return self.number(0) * max(self.number(1), 1) * max(self.number(2), 1)
        return 0

    def quantized(self, data, scales):
        """The layer's part of the file of weights, and how much of the float32 one it took."""
        outputs = self.number(0)
        is_product = self.kind == "InnerProduct"
        count, has_bias = self.number(2 if is_product else 6), self.number(1 if is_product else 5)
        tag, = struct.unpack_from("<I", data)
        if tag != 0:
            raise ValueError(f"{self.name}: weights of kind {tag:#x}, expected float32")
        groups = self.number(7) if self.kind == "ConvolutionDepthWise" else outputs
        weights = np.frombuffer(data, "<f4", count, 4).reshape(groups, -1)
        largest = np.abs(weights).max(axis=1)
        weight_scales = np.where(largest > 0, 127 / np.maximum(largest, 1e-30), 1).astype("<f4")
        integers = np.clip(np.rint(weights * weight_scales[:, None]), -127, 127).astype(np.int8).tobytes()
        bias = data[4 + 4 * count:4 + 4 * (count + outputs * has_bias)]
        result = struct.pack("<I", INT8_TAG) + integers + bytes(-len(integers) % 4) + bytes(bias) + weight_scales.tobytes()
        result += struct.pack("<f", scales[self.inputs[0]])
        if self.requantises:
            result += struct.pack("<f", scales[self.requantises])
        return result, 4 + 4 * (count + outputs * has_bias)


def find_requantising(layers):
    readers = {}
    for layer in layers:
        for blob in layer.inputs:
            readers.setdefault(blob, []).append(layer)
    for layer in layers:
        if layer.kind not in CONVOLUTIONS:
            continue
        following = readers.get(layer.outputs[0], [])
        blob = layer.outputs[0]
        if len(following) == 1 and following[0].kind == "Split":
            following = [reader for output in following[0].outputs for reader in readers.get(output, [])]
        if following and all(reader.kind in CONVOLUTIONS for reader in following):
            layer.requantises = blob


def activation_scales(source, layers, inputs):
    import ncnn

    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.load_param(f"{source}.param")
    net.load_model(f"{source}.bin")
    blobs = {layer.inputs[0] for layer in layers if layer.is_quantized} | {layer.requantises for layer in layers if layer.requantises}
    largest = dict.fromkeys(blobs, 0.0)
    for image in map(np.ascontiguousarray, inputs):
        extractor = net.create_extractor()
        extractor.set_light_mode(False)
        extractor.input("in0", ncnn.Mat(image))
        for blob in blobs:
            values = np.array(extractor.extract(blob)[1])
            largest[blob] = max(largest[blob], float(np.abs(values).max()))
    return {blob: 127 / value if value > 0 else 1.0 for blob, value in largest.items()}


def quantize(source, target, inputs):
    magic, counts, *lines = source.with_suffix(".param").read_text().splitlines()
    layers = [Layer(line) for line in lines if line.strip()]
    find_requantising(layers)
    scales = activation_scales(source, layers, inputs)
    # What is requantised is read with the scale that it was written with.
    data, parts = memoryview(source.with_suffix(".bin").read_bytes()), []
    for layer in layers:
        if layer.is_quantized:
            part, taken = layer.quantized(data, scales)
        else:
            taken = 4 * layer.raw_floats()
            part = bytes(data[:taken])
        parts.append(part)
        data = data[taken:]
    if len(data):
        raise ValueError(f"{len(data)} bytes of {source}.bin belong to no layer that is known here")
    target.with_suffix(".param").write_text("\n".join([magic, counts, *(layer.line() for layer in layers)]) + "\n")
    target.with_suffix(".bin").write_bytes(b"".join(parts))

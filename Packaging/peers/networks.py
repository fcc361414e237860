# SPDX-License-Identifier: Apache-2.0
"""The networks: torchvision's architectures with random weights, the same on every machine, and random images to calibrate with.

usage: python networks.py NETWORK FOLDER

Writes model.onnx, model.pt (TorchScript), images/*.png, model.json (how an image becomes the input), inputs.npy [8, 3, 224, 224] (the images
as inputs), input.npy (the first of them, which is what is run) and reference.npy (the network's float32 answer to it, by torch).
"""
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torchvision
from PIL import Image

SEED, SIZE, IMAGES = 0, 224, 8
# Uniform bytes have this mean and deviation, as shares of 255: the inputs have mean 0 and variance 1.
MEAN, DEVIATION = 0.5, 0.2898


def network(name):
    torch.manual_seed(SEED)
    options = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options |= {"aux_logits": False, "init_weights": False, "transform_input": False}
    model = getattr(torchvision.models, name)(**options).eval()
    # Weights that keep the variance, so that activations neither vanish nor explode.
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
                module.weight.normal_(0, math.sqrt(2 / module.weight[0].numel()))
                if module.bias is not None:
                    module.bias.normal_(0, 0.1)
    return model


def write_images(folder):
    (folder / "images").mkdir(exist_ok=True)
    pixels = np.random.default_rng(SEED).integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    for index, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"images/{index}.png")
    sidecar = {"input": {"channel_order": "RGB", "scale": "1/255", "mean": [MEAN] * 3, "std": [DEVIATION] * 3, "resize": "none"}}
    (folder / "model.json").write_text(json.dumps(sidecar))
    inputs = ((pixels / 255 - MEAN) / DEVIATION).astype(np.float32).transpose(0, 3, 1, 2)
    inputs = np.ascontiguousarray(inputs)
    np.save(folder / "inputs.npy", inputs)
    np.save(folder / "input.npy", inputs[:1])
    return torch.from_numpy(inputs[:1])


def main():
    name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    model, example = network(name), write_images(folder)
    with torch.no_grad():
        np.save(folder / "reference.npy", model(example).numpy())
    torch.jit.trace(model, example).save(folder / "model.pt")
    torch.onnx.export(
        model, example, folder / "model.onnx", input_names=["input"], output_names=["output"], opset_version=17, dynamo=False)


if __name__ == "__main__":
    main()

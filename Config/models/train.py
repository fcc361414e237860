#!/usr/bin/env python3
"""Trains the two default networks on rendered flights and writes them as ONNX.

    train.py --swiftlet .build/release/swiftlet --work /tmp/flights --out Config/models

Frames come from `swiftlet flight --frames N --seed S --raw FILE`: records of one label byte and 3 x 96 x 96 bytes of planar
RGB. Flights of the training set, of the validation set and of the test set have different seeds; the test set is looked at
once, after training. Needs numpy and PyTorch 1.13 or later; runs on the CPU. `evaluate.py` then measures the written files.
"""

import argparse
import math
import os
import subprocess
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional

SIDE = 96
CLASSES = ["clear", "tree", "building", "mast", "person", "vehicle", "animal", "bird", "drone", "landing pad"]
MEAN, STD = 0.5, 0.25  # of every channel, on pixels / 255
FIRST_SEED = {"train": 1_000_000, "validation": 2_000_000, "test": 3_000_000}


class Residual(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the first one may halve the picture."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(y)) + self.shortcut(x))


class Network(nn.Module):
    """A 3x3 stem with stride 2, residual blocks [(channels, stride)], the mean over the picture, a linear layer."""

    def __init__(self, stem, blocks):
        super().__init__()
        layers = [nn.Conv2d(3, stem, 3, 2, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
        channels = stem
        for outputs, stride in blocks:
            layers.append(Residual(channels, outputs, stride))
            channels = outputs
        self.features = nn.Sequential(*layers)
        self.classify = nn.Linear(channels, len(CLASSES))

    def forward(self, x):
        pooled = functional.adaptive_avg_pool2d(self.features(x), 1)
        return self.classify(torch.flatten(pooled, 1))


NETWORKS = {
    "board": dict(stem=16, blocks=[(16, 2), (24, 2), (32, 2)]),
    "cloud": dict(stem=24, blocks=[(48, 2), (96, 2), (128, 2)]),
}


def multiply_adds(network):
    """Multiplications of the convolutions and the linear layer for one picture."""
    total = 0

    def count(module, _, output):
        nonlocal total
        positions = output.shape[2] * output.shape[3] if output.dim() == 4 else 1
        total += module.weight.numel() * positions

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    network.eval()
    with torch.no_grad():
        network(torch.zeros(1, 3, SIDE, SIDE))
    for hook in hooks:
        hook.remove()
    return total


def render(arguments, kind, flights, frames, stride):
    """Pixels [n, 3, 96, 96] and labels [n] of every stride-th frame of some flights, and the flight of each.

    They are kept in the work folder, and used again from there.
    """
    kept = os.path.join(arguments.work, f"{kind}-{arguments.seed}-{flights}x{frames}-{stride}.npz")
    if os.path.exists(kept):
        arrays = numpy.load(kept)
        return torch.from_numpy(arrays["pixels"]), torch.from_numpy(arrays["labels"]), arrays["flight_of"]
    pixels, labels, flight_of = [], [], []
    path = os.path.join(arguments.work, "flight.raw")
    for flight in range(flights):
        seed = FIRST_SEED[kind] + arguments.seed * 100_000 + flight
        subprocess.run(
            [arguments.swiftlet, "flight", "--frames", str(frames), "--seed", str(seed), "--raw", path],
            check=True, stdout=subprocess.DEVNULL)
        records = numpy.fromfile(path, dtype=numpy.uint8).reshape(frames, 1 + 3 * SIDE * SIDE)[flight % stride::stride]
        labels.append(records[:, 0].astype(numpy.int64))
        pixels.append(records[:, 1:].reshape(-1, 3, SIDE, SIDE).copy())
        flight_of.append(numpy.full(len(records), flight))
    os.remove(path)
    pixels, labels, flight_of = (numpy.concatenate(parts) for parts in (pixels, labels, flight_of))
    numpy.savez(kept, pixels=pixels, labels=labels, flight_of=flight_of)
    return torch.from_numpy(pixels), torch.from_numpy(labels), flight_of


def dct_matrix():
    rows = torch.arange(8).float().unsqueeze(1)
    columns = torch.arange(8).float().unsqueeze(0)
    matrix = torch.cos((2 * columns + 1) * rows * math.pi / 16) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


DCT = dct_matrix()
LUMA_STEPS = torch.tensor([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80,
    62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98,
    112, 100, 103, 99.0]).reshape(8, 8)  # ITU-T T.81, table K.1
TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def jpeg_like(x, quality):
    """What JPEG leaves of pictures [n, 3, 96, 96] in 0 ... 255: chroma at half the resolution, quantised luma blocks."""
    ycc = torch.einsum("kc,nchw->nkhw", TO_YCC, x)
    luma, chroma = ycc[:, 0], ycc[:, 1:]
    steps = torch.clamp(torch.floor(LUMA_STEPS * (200 - 2 * quality) / 100 + 0.5), min=1)
    blocks = luma.reshape(-1, 12, 8, 12, 8).permute(0, 1, 3, 2, 4) - 128
    blocks = DCT.t() @ (torch.round(DCT @ blocks @ DCT.t() / steps) * steps) @ DCT
    luma = blocks.permute(0, 1, 3, 2, 4).reshape(-1, SIDE, SIDE) + 128
    chroma = functional.interpolate(functional.avg_pool2d(chroma, 2), scale_factor=2.0, mode="bilinear", align_corners=False)
    back = torch.einsum("ck,nkhw->nchw", torch.inverse(TO_YCC), torch.cat([luma.unsqueeze(1), chroma], 1))
    return torch.clamp(back, 0, 255)


def augment(x, with_jpeg):
    """Mirrors half of the pictures, varies brightness and contrast, and passes half through JPEG where asked."""
    flipped = torch.rand(len(x)) < 0.5
    x = torch.where(flipped.view(-1, 1, 1, 1), x.flip(3), x)
    x = x * torch.empty(len(x), 1, 1, 1).uniform_(0.85, 1.15) + torch.empty(len(x), 1, 1, 1).uniform_(-10, 10)
    x = torch.clamp(x, 0, 255)
    if with_jpeg:
        half = len(x) // 2
        x = torch.cat([jpeg_like(x[:half], float(torch.empty(1).uniform_(80, 95))), x[half:]])
    return x


def normalise(x):
    return ((x / 255 - MEAN) / STD).contiguous(memory_format=torch.channels_last)


def logits_of(network, pixels, quality=None):
    network.eval()
    rows = []
    with torch.no_grad():
        for start in range(0, len(pixels), 256):
            x = pixels[start:start + 256].float()
            rows.append(network(normalise(x if quality is None else jpeg_like(x, quality))))
    return torch.cat(rows)


def interval(correct, flights, draws=2000):
    """Mean and 95 % interval by bootstrap over whole flights, because frames of one flight are not independent."""
    groups = [correct[flights == flight] for flight in numpy.unique(flights)]
    sums = numpy.array([group.sum() for group in groups], dtype=float)
    counts = numpy.array([len(group) for group in groups], dtype=float)
    chosen = numpy.random.default_rng(0).integers(0, len(groups), (draws, len(groups)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    return correct.mean(), numpy.percentile(means, 2.5), numpy.percentile(means, 97.5)


def report(name, logits, labels, flights):
    probability, guess = torch.softmax(logits, 1).max(1)
    correct = (guess == labels).numpy()
    mean, low, high = interval(correct, flights)
    likelihood = functional.cross_entropy(logits, labels).item()
    print(f"{name}: top-1 {mean:.4f}, 95 % interval {low:.4f} ... {high:.4f}, {len(labels)} frames of {len(set(flights))} "
          f"flights; mean confidence {probability.mean():.4f}, negative log likelihood {likelihood:.4f}", flush=True)
    order = numpy.argsort(-probability.numpy())
    for share in (0.5, 0.6, 0.7, 0.8, 0.9):
        best = order[:int(len(order) * share)]
        print(f"  the most confident {share:.0%}: {correct[best].mean():.4f} at confidence >= {probability[best[-1]]:.3f}")
    for index, label in enumerate(CLASSES):
        chosen = (labels == index).numpy()
        print(f"  {label}: {correct[chosen].mean():.4f} of {chosen.sum()}")
    return correct


def train(arguments, name, data, validation):
    torch.manual_seed(arguments.seed)
    network = Network(**NETWORKS[name]).to(memory_format=torch.channels_last)
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{name}: {multiply_adds(network)} multiply-adds, {parameters} parameters", flush=True)
    pixels, labels = data
    batch = arguments.batch
    epochs = getattr(arguments, f"{name}_epochs")
    steps = len(labels) // batch
    optimiser = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=arguments.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, arguments.rate, epochs * steps, pct_start=0.2)
    for epoch in range(epochs):
        started, total = time.time(), 0.0
        network.train()
        order = torch.randperm(len(labels))
        for step in range(steps):
            chosen = order[step * batch:(step + 1) * batch]
            x = normalise(augment(pixels[chosen].float(), with_jpeg=name == "cloud"))
            with torch.cpu.amp.autocast(enabled=not arguments.full_precision):
                y = network(x)
            loss = functional.cross_entropy(y.float(), labels[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        line = f"{name} epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}"
        if epoch % 3 == 2 or epoch == epochs - 1:
            guess = logits_of(network, validation[0]).argmax(1)
            line += f", validation top-1 {(guess == validation[1]).float().mean():.4f}"
        print(f"{line}, {time.time() - started:.0f} s", flush=True)
    return network


def export(network, path):
    """Writes the network with its BatchNorm layers folded into the convolutions; the batch is free."""
    network = network.to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(
        network, torch.zeros(1, 3, SIDE, SIDE), path, opset_version=13, input_names=["input"], output_names=["output"],
        dynamic_axes={"input": {0: "N"}, "output": {0: "N"}}, do_constant_folding=True)
    print(f"wrote {os.path.basename(path)}, {os.path.getsize(path)} bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swiftlet", default="swiftlet", help="the tool that renders flights")
    parser.add_argument("--work", required=True, help="a folder for the frames of one flight")
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)), help="where the ONNX files go")
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS),
                        help="none: render only")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches, and which block of flights")
    parser.add_argument("--flights", type=int, default=2600, help="flights of the training set")
    parser.add_argument("--frames", type=int, default=70, help="frames rendered of each training flight")
    parser.add_argument("--stride", type=int, default=5, help="keep every so many frames: neighbours are alike")
    parser.add_argument("--test-flights", type=int, default=60, help="of 350 frames, as many for validation are a third of it")
    parser.add_argument("--board-epochs", type=int, default=10)
    parser.add_argument("--cloud-epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=4e-3, help="the highest learning rate")
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full-precision", action="store_true", help="train in float32 instead of bfloat16")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    os.makedirs(arguments.work, exist_ok=True)
    settings = {k: v for k, v in sorted(vars(arguments).items()) if k not in ("swiftlet", "work", "out")}
    print(f"PyTorch {torch.__version__}, {settings}", flush=True)

    started = time.time()
    pixels, labels, _ = render(arguments, "train", arguments.flights, arguments.frames, arguments.stride)
    check = render(arguments, "validation", max(1, arguments.test_flights // 3), 350, 5)
    test = render(arguments, "test", arguments.test_flights, 350, 5)
    for kind, these in (("train", labels), ("validation", check[1]), ("test", test[1])):
        counts = torch.bincount(these, minlength=len(CLASSES)).tolist()
        print(f"{kind}: {len(these)} frames, seeds from {FIRST_SEED[kind] + arguments.seed * 100_000}, by class {counts}")
    print(f"rendered in {time.time() - started:.0f} s", flush=True)

    for name in arguments.networks:
        network = train(arguments, name, (pixels, labels), check)
        report(f"{name}, test", logits_of(network, test[0]), test[1], test[2])
        if name == "cloud":
            report("cloud, test through JPEG at quality 90", logits_of(network, test[0], 90.0), test[1], test[2])
        export(network, os.path.join(arguments.out, f"flight-{name}.onnx"))


if __name__ == "__main__":
    sys.exit(main())

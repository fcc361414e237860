#!/usr/bin/env python3
"""Measures the two default networks, as ONNX files, on rendered flights that nothing was trained on.

    evaluate.py --swiftlet .build/release/swiftlet --work /tmp/flights [--write]

Prints top-1 of the board's network on frames as they are and of the cloud's network on frames that went through JPEG, what a
gate on the board's confidence can gain, and where the mistakes are. `--write` puts the figures into the sidecar files.
Needs numpy, onnxruntime and Pillow.
"""

import argparse
import io
import json
import os
import subprocess
import sys

import numpy
import onnxruntime
from PIL import Image

SIDE = 96
HERE = os.path.dirname(os.path.abspath(__file__))


def flight(arguments, seed):
    """Pixels [n, 3, 96, 96] and labels [n] of every fifth frame of one flight."""
    path = os.path.join(arguments.work, "evaluate.raw")
    subprocess.run(
        [arguments.swiftlet, "flight", "--frames", str(arguments.frames), "--seed", str(seed), "--raw", path],
        check=True, stdout=subprocess.DEVNULL)
    records = numpy.fromfile(path, dtype=numpy.uint8).reshape(arguments.frames, -1)[::arguments.stride]
    os.remove(path)
    return records[:, 1:].reshape(-1, 3, SIDE, SIDE), records[:, 0].astype(int)


def through_jpeg(pixels, quality):
    decoded = []
    for planes in pixels:
        stream = io.BytesIO()
        Image.fromarray(planes.transpose(1, 2, 0)).save(stream, "JPEG", quality=quality)
        decoded.append(numpy.asarray(Image.open(stream)).transpose(2, 0, 1))
    return numpy.stack(decoded)


def probabilities(session, sidecar, pixels):
    shape = (1, 3, 1, 1)
    mean = numpy.array(sidecar["input"]["mean"], dtype=numpy.float32).reshape(shape)
    std = numpy.array(sidecar["input"]["std"], dtype=numpy.float32).reshape(shape)
    rows = []
    for start in range(0, len(pixels), 100):
        x = (pixels[start:start + 100].astype(numpy.float32) / 255 - mean) / std
        rows.append(session.run(None, {"input": x})[0])
    logits = numpy.concatenate(rows)
    powers = numpy.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def interval(correct, flights, draws=4000):
    """Mean and 95 % interval by bootstrap over whole flights, because frames of one flight are not independent."""
    groups = [correct[flights == one] for one in numpy.unique(flights)]
    sums = numpy.array([group.sum() for group in groups], dtype=float)
    counts = numpy.array([len(group) for group in groups], dtype=float)
    chosen = numpy.random.default_rng(0).integers(0, len(groups), (draws, len(groups)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    return [round(100 * float(x), 2) for x in (correct.mean(), *numpy.percentile(means, [2.5, 97.5]))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swiftlet", default="swiftlet", help="the tool that renders flights")
    parser.add_argument("--work", required=True, help="a folder for the frames of one flight")
    parser.add_argument("--models", default=HERE, help="where the ONNX and sidecar files are")
    parser.add_argument("--first-seed", type=int, default=3_000_000)
    parser.add_argument("--flights", type=int, default=60)
    parser.add_argument("--frames", type=int, default=350, help="of each flight: ten encounters or so")
    parser.add_argument("--stride", type=int, default=5, help="score every so many frames")
    parser.add_argument("--quality", type=int, default=90, help="of the JPEG that the cloud gets")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="put the figures into the sidecar files")
    arguments = parser.parse_args()
    os.makedirs(arguments.work, exist_ok=True)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = arguments.threads
    sidecars, sessions = {}, {}
    for name in ("board", "cloud"):
        stem = os.path.join(arguments.models, f"flight-{name}")
        with open(f"{stem}.json") as file:
            sidecars[name] = json.load(file)
        sessions[name] = onnxruntime.InferenceSession(f"{stem}.onnx", options, providers=["CPUExecutionProvider"])

    pixels, labels, flights = [], [], []
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.flights):
        these, truth = flight(arguments, seed)
        pixels.append(these)
        labels.append(truth)
        flights.append(numpy.full(len(truth), seed))
    pixels, labels, flights = (numpy.concatenate(parts) for parts in (pixels, labels, flights))

    outputs = {
        "board": probabilities(sessions["board"], sidecars["board"], pixels),
        "cloud": probabilities(sessions["cloud"], sidecars["cloud"], through_jpeg(pixels, arguments.quality)),
        "cloud without JPEG": probabilities(sessions["cloud"], sidecars["cloud"], pixels),
    }
    correct = {name: rows.argmax(1) == labels for name, rows in outputs.items()}
    where = f"{len(labels)} frames of {arguments.flights} flights, seeds {arguments.first_seed} and on"
    print(f"onnxruntime {onnxruntime.__version__}; {where}")
    figures = {}
    for name in outputs:
        figures[name] = interval(correct[name], flights)
        print(f"{name}: top-1 {figures[name][0]} %, 95 % interval {figures[name][1]} ... {figures[name][2]}, "
              f"mean confidence {100 * outputs[name].max(1).mean():.2f} %")
    gain = interval(correct["cloud"].astype(float) - correct["board"], flights)
    print(f"cloud less board: {gain[0]} points, 95 % interval {gain[1]} ... {gain[2]}")
    print(f"either is right: {100 * (correct['board'] | correct['cloud']).mean():.2f} %")

    order = numpy.argsort(-outputs["board"].max(1))
    for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        kept, asked = numpy.split(order, [int(len(order) * share)])
        system = (correct["board"][kept].sum() + correct["cloud"][asked].sum()) / len(order)
        print(f"the board's most confident {share:.0%}: right in {100 * correct['board'][kept].mean():.2f} %; "
              f"with the cloud's answers to the rest: {100 * system:.2f} %")
    classes = sidecars["board"]["classes"]
    for index, label in enumerate(classes):
        chosen = labels == index
        print(f"  {label}: {chosen.sum()} frames, board {100 * correct['board'][chosen].mean():.1f} %, "
              f"cloud {100 * correct['cloud'][chosen].mean():.1f} %")

    if arguments.write:
        for name in ("board", "cloud"):
            measured = {"engine": f"onnxruntime {onnxruntime.__version__} CPU"}
            rows = {"flights": figures[name]} if name == "board" else {
                f"flights through JPEG at quality {arguments.quality}": figures[name], "flights": figures["cloud without JPEG"]}
            for what, (mean, low, high) in rows.items():
                measured[f"{what} ({where})"] = {"top1_percent": mean, "interval95_percent": [low, high]}
            sidecars[name]["measured"] = measured
            with open(os.path.join(arguments.models, f"flight-{name}.json"), "w") as file:
                json.dump(sidecars[name], file, indent=1)
                file.write("\n")


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Labelled images as files, for boards that watch a folder."""
import os
import random
import struct
import zlib

RECORD = 1 + 3 * 1024


def png(pixels, width, height):
    """A PNG file of RGB pixels, rows first."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[3 * width * row:3 * width * (row + 1)] for row in range(height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def records(path, chosen):
    """Records of a CIFAR-10 binary file."""
    with open(path, "rb") as file:
        for index in chosen:
            file.seek(index * RECORD)
            yield file.read(RECORD)


def record_count(path):
    return os.path.getsize(path) // RECORD


def record_frames(path, folder, chosen):
    """Records of a CIFAR-10 binary file as PNG files; returns their paths and labels."""
    frames = []
    for index, record in zip(chosen, records(path, chosen)):
        planes = [record[1 + plane * 1024:1 + (plane + 1) * 1024] for plane in range(3)]
        name = f"{folder}/{index:05}.png"
        with open(name, "wb") as image:
            image.write(png(bytes(value for pixel in zip(*planes) for value in pixel), 32, 32))
        frames.append((name, record[0]))
    return frames


def listed(folder):
    """Paths and labels of a folder with labels.tsv, in its order."""
    with open(f"{folder}/labels.tsv") as table:
        columns, *rows = [line.rstrip("\n").split("\t") for line in table if line.strip()]
    file, index = columns.index("file"), columns.index("index")
    return [(os.path.abspath(f"{folder}/{row[file]}"), int(row[index])) for row in rows]


def shuffled(values, seed=7):
    values = list(values)
    random.Random(seed).shuffle(values)
    return values

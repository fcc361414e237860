# SPDX-License-Identifier: Apache-2.0
"""The pairs of networks of the README's tables, and the images that calibrate and try them."""

# Of DATA/models: the board's, and the full one.
PAIRS = [
    ("cifar10-resnet8-mlperftiny", "cifar10-resnet56"),
    ("cifar10-resnet20", "cifar10-resnet56"),
    ("cifar10-resnet56", "cifar10-resnet56"),
    ("imagenet-mobilenetv1-0.25-224", "imagenet-mobilenetv2-1.0-224-dq"),
    ("imagenet-mobilenetv1-0.5-160-dq", "imagenet-mobilenetv2-1.0-224-dq"),
    ("imagenet-squeezenet1.1", "imagenet-mobilenetv2-1.0-224-dq"),
    ("imagenet-mobilenetv2-1.0-224-dq", "imagenet-mobilenetv2-1.0-224-dq"),
]


def images(data, network):
    """What calibrates the network, and what tries it."""
    kind, ending = ("cifar10", ".bin") if network.startswith("cifar10") else ("imagenet", "")
    return f"{data}/{kind}/calibration{ending}", f"{data}/{kind}/test{ending}"

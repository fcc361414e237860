# SPDX-License-Identifier: Apache-2.0
"""The networks that plans are measured with: a board's bundle with a table of plans, the full one, and images that the table hasn't seen."""
import hashlib
import json
import os
import subprocess

from bench.frames import RECORD, listed, record_count, record_frames, records, shuffled
from bench.processes import program, say

# name: file of DATA/models, images; period and deadline in s for a board that takes as long as plain C does here.
NETWORKS = {
    "resnet20": ("cifar10-resnet20", "cifar10", 0.1, 0.15), "resnet56": ("cifar10-resnet56", "cifar10", 0.25, 0.4),
    "mobilenetv2": ("imagenet-mobilenetv2-1.0-224-dq", "imagenet", 0.6, 0.9), "squeezenet": ("imagenet-squeezenet1.1", "imagenet", 0.6, 0.9),
}


class Network:
    """board, cloud: paths of bundles. table_images: what the board's table is made of, and table_count how many they are. frames: paths of images and their labels, in
    an order drawn at random but always alike."""

    def __init__(self, name, data, cache):
        self.name = name
        self.data = data
        model, self.images, self.period, self.deadline = NETWORKS[name]
        self.model = f"{data}/models/{model}.onnx"
        self.folder = f"{cache}/{name}"
        self.board, self.cloud = f"{self.folder}/board.swiftlet", f"{self.folder}/cloud.swiftlet"
        os.makedirs(self.folder, exist_ok=True)
        self.divide()

    def divide(self):
        """The test images in two halves: one for the table, one for the frames."""
        folder = f"{self.folder}/frames"
        os.makedirs(folder, exist_ok=True)
        if self.images == "cifar10":
            path = f"{self.data}/cifar10/test.bin"
            order = shuffled(range(record_count(path)))
            half = len(order) // 2
            self.table_images = f"{self.folder}/table.bin"
            if not os.path.exists(self.table_images) or os.path.getsize(self.table_images) != half * RECORD:
                with open(self.table_images, "wb") as file:
                    file.writelines(records(path, order[:half]))
            self.table_count, self.frames = half, record_frames(path, folder, order[half:half + 1200])
            self.training, self.calibration = f"{self.data}/cifar10/train.bin", f"{self.data}/cifar10/calibration.bin"
        else:
            images = shuffled(listed(f"{self.data}/imagenet/test"))
            half = len(images) // 2
            self.table_images, self.table_count, self.frames = f"{self.folder}/table", half, images[half:]
            os.makedirs(self.table_images, exist_ok=True)
            lines = ["file\tindex"]
            for path, label in images[:half]:
                link = f"{self.table_images}/{os.path.basename(path)}"
                if not os.path.lexists(link):
                    os.symlink(path, link)
                lines.append(f"{os.path.basename(path)}\t{label}")
            with open(f"{self.table_images}/labels.tsv", "w") as file:
                file.write("\n".join(lines) + "\n")
            self.training = self.calibration = f"{self.data}/imagenet/calibration"

    def make(self):
        """The bundles, where they aren't in the cache."""
        if os.path.exists(self.board) and os.path.exists(self.cloud):
            return
        plain = f"{self.folder}/without-table.swiftlet"
        views = ["--mirror", "--views", "4"] if self.images == "cifar10" else ["--mirror"]
        for arguments in (
            ["exits", self.model, "--images", self.training, *views, "-o", self.cloud], ["compile", self.cloud, "--calibration", self.calibration, "-o", plain],
            ["tabulate", plain, "--pair", self.cloud, "--images", self.table_images, "-o", self.board],
        ):
            say(f"{self.name}: swiftlet {arguments[0]}")
            subprocess.run([program("swiftlet"), *arguments], check=True, stdout=subprocess.DEVNULL)

    def table_accuracy(self):
        """What the full model has right of the table's images: the frame is sent as it is, and waited for."""
        command = [program("swiftlet"), "plan", self.board, "--policy", "Config/policies/cloud-only.yaml", "--deadline", "none", "--count", "1000", "--json"]
        ranking = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["ranking"]
        return next(entry["figures"]["accuracy"] for entry in ranking if entry["upload"]["payload"] == "PNG")

    def answers(self, bundle):
        """The class that a network says of each frame, in their order; kept."""
        with open(bundle, "rb") as file:
            digest = hashlib.sha256(file.read() + "\n".join(path for path, _ in self.frames).encode()).hexdigest()[:16]
        kept = f"{self.folder}/answers-{digest}.json"
        if not os.path.exists(kept):
            say(f"{self.name}: what {os.path.basename(bundle)} says of {len(self.frames)} frames")
            classes = []
            for start in range(0, len(self.frames), 100):
                paths = [path for path, _ in self.frames[start:start + 100]]
                output = subprocess.run([program("swiftlet"), "infer", bundle, *paths, "--json"], check=True, stdout=subprocess.PIPE).stdout
                classes += [image["class"] for image in json.loads(output)["images"]]
            with open(kept, "w") as file:
                json.dump(classes, file)
        with open(kept) as file:
            return json.load(file)

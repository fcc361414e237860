# SPDX-License-Identifier: Apache-2.0
"""What the files of Config/policies say, as far as a bench needs it: bounds and targets."""
import re

PUBLISHED = ["cloud-only", "device-only", "neurosurgeon", "edgent", "spinn", "dyno", "sieve"]
OURS = ["balanced", "lowest-latency", "lowest-energy", "metered-link", "strict-accuracy", "highest-throughput"]


class Policy:
    """constraints: pairs of key and value (shares as 0 … 1, else text), targets: triples of figure, slack and whether more is better, the most important first."""

    def __init__(self, path):
        self.constraints, self.targets = [], []
        with open(path) as file:
            lines = [line.split("#")[0].rstrip() for line in file]
        section = ""
        for line in lines:
            if match := re.match(r"(\w[\w-]*):", line):
                section = match[1]
            elif section == "constraints" and (match := re.match(r"\s+- ([\w-]+): (.+)", line)):
                self.constraints.append((match[1], share(match[2])))
            elif section == "targets" and (match := re.match(r"\s+- figure: ([\w-]+)", line)):
                figure = match[1].replace("-", "_")
                self.targets.append([figure, 0.0, figure in ("throughput", "accuracy")])
            elif section == "targets" and (match := re.match(r"\s+slack: (.+)", line)):
                self.targets[-1][1] = share(match[1])

    def bound(self, key):
        return dict(self.constraints).get(key)


def share(text):
    match = re.fullmatch(r"([\d.]+) %", text.strip())
    return float(match[1]) / 100 if match else text.strip()

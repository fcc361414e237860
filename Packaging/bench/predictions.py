# SPDX-License-Identifier: Apache-2.0
"""What the planner expects of the plan in use against what comes."""
import math

from bench.blocks import figures
from bench.comparison import repeated
from bench.figures import draws, interval
from bench.processes import say

# The most that a figure may be off, as a share of what is measured.
BOUNDS = {"latency": 0.10, "p95_latency": 0.10, "bytes": 0.03}
# Under another name.
MEASURED = {"bytes": "planned_bytes"}
# Bytes a frame below which a difference means nothing: of one question in a hundred frames, its size is chance.
FEW = 1.0


def measure(lab, policies, bandwidths, loads, rounds, count, warm_up, keep):
    """Of each policy, bandwidth and load, blocks of frames with what was expected of them beforehand."""
    record = dict(blocks=[])
    for load in loads:
        with lab.loaded(load):
            for bandwidth in bandwidths:
                for policy, path in policies.items():
                    board = lab.board(policy, path, bandwidth)
                    try:
                        lab.warm_up(board, warm_up)
                        for turn in range(rounds):
                            values = dict(policy=policy, bandwidth=bandwidth, load=load, turn=turn)
                            record["blocks"].append(repeated(lambda: lab.block(board, turn * count, count, **values)))
                    finally:
                        lab.end(board)
                    keep(record)
                say(f"{load}, {bandwidth:g} Mbit/s")
    return record


class Point:
    """A policy, a bandwidth and a load: what was expected, on average over the frames, and what came."""

    def __init__(self, blocks):
        self.name = tuple(blocks[0][key] for key in ("policy", "bandwidth", "load"))
        self.frames = [(frame, block["forecasts"][frame["forecast"]]) for block in blocks for frame in block["frames"] if frame["forecast"] is not None]
        self.measured = figures([dict(blocks[0], frames=[frame for frame, _ in self.frames], served=0, computed=0, waited=0)])
        count = max(len(self.frames), 1)
        self.expected = {figure: sum(forecast["figures"][figure] for _, forecast in self.frames) / count for figure in (*BOUNDS, "accuracy")}
        self.plans = len({forecast["plan"] for _, forecast in self.frames})
        self.blocks = blocks

    def error(self, figure):
        """Of what was expected, as a share of what came."""
        expected, came = self.expected[figure], self.measured[MEASURED.get(figure, figure)]
        if figure == "bytes" and max(expected, came) < FEW:
            return 0.0
        return expected / came - 1 if came else math.inf

    def noise(self, figure):
        """The interval of what came."""
        def resampled(chosen):
            return figures([dict(self.blocks[0], frames=[frame for piece in chosen for frame, _ in piece])])[MEASURED.get(figure, figure)]

        return interval(draws([self.frames[start:start + 5] for start in range(0, len(self.frames), 5)], resampled, 300))

    def is_within(self, figure):
        return abs(self.error(figure)) <= BOUNDS[figure]

    def is_within_noise(self, figure):
        """Within the bound of what may have come, by chance of the frames."""
        low, high = self.noise(figure)
        expected, bound = self.expected[figure], BOUNDS[figure]
        return self.is_within(figure) or low * (1 - bound) <= expected <= high * (1 + bound)

    def accuracy(self, samples):
        """By how much more was right than expected, and what chance explains: of the frames, and of the table's samples."""
        share = min(max(self.expected["accuracy"], 0.01), 0.99)
        return self.measured["accuracy"] - self.expected["accuracy"], 1.96 * math.sqrt(share * (1 - share) * (1 / len(self.frames) + 1 / samples))


def table(record, samples):
    """samples: that the table of plans is made of."""
    groups = {}
    for block in record["blocks"]:
        groups.setdefault((block["policy"], block["bandwidth"], block["load"]), []).append(block)
    points = [point for point in map(Point, groups.values()) if point.frames]
    print(f"\n{len(points)} of {len(groups)} points have forecasts\n")
    print("| policy | Mbit/s | load | frames | plans | latency, ms | | p95, ms | | bytes | | right, % | |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|")
    for point in points:
        policy, bandwidth, load = point.name
        row = [policy, f"{bandwidth:g}", load, str(len(point.frames)), str(point.plans)]
        for figure, factor, digits in (("latency", 1000, 1), ("p95_latency", 1000, 1), ("bytes", 1, 0)):
            error = point.error(figure)
            mark = "" if point.is_within(figure) else " (in noise)" if point.is_within_noise(figure) else " **off**"
            expected, came = (value * factor for value in (point.expected[figure], point.measured[MEASURED.get(figure, figure)]))
            row += [f"{expected:.{digits}f} → {came:.{digits}f}", f"{100 * error:+.1f} %{mark}" if math.isfinite(error) else "sent nothing"]
        difference, chance = point.accuracy(samples)
        row.append(f"{100 * point.expected['accuracy']:.1f} → {100 * point.measured['accuracy']:.1f}")
        row.append("" if abs(difference) <= chance else f"**off** by {100 * difference:+.1f}, chance {100 * chance:.1f}")
        print("| " + " | ".join(row) + " |")
    if points:
        summary(points, samples)


def summary(points, samples):
    print()
    for figure, bound in BOUNDS.items():
        # Where nothing is sent nothing is predicted.
        scored = [point for point in points if figure != "bytes" or max(point.expected["bytes"], point.measured[MEASURED["bytes"]]) >= FEW]
        if not scored:
            continue
        errors = sorted(abs(point.error(figure)) for point in scored)
        within, noise = sum(point.is_within(figure) for point in scored), sum(point.is_within_noise(figure) for point in scored)
        print(f"{figure}: {within} of {len(scored)} points within {100 * bound:.0f} %, {noise} within that of what chance of the frames allows; "
              f"off by {100 * errors[len(errors) // 2]:.1f} % in the median")
    differences = [point.accuracy(samples) for point in points]
    within = sum(abs(difference) <= chance for difference, chance in differences)
    mean = sum(difference for difference, _ in differences) / len(differences)
    print(f"accuracy: {within} of {len(points)} points within the interval; {100 * mean:+.2f} points on average (the same frames at every point: they err together)")

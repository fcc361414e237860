# SPDX-License-Identifier: Apache-2.0
"""All policies side by side, at several bandwidths."""
import math

from bench.blocks import figures
from bench.figures import interval, nested_draws, quantile
from bench.policies import OURS, PUBLISHED, Policy
from bench.processes import Stalled, say

BASELINE = "cloud-only"
# Seconds until an agent that has just begun knows its link, and what it is best at.
SETTLING = 4
# Of sums of shares: less than a sample of any table.
ROUNDING = 1e-4
# Figures by the names of policy files: title, factor to the table's unit, digits. The server's time is what answers say, the worker's what it computed in all.
COLUMNS = {
    "throughput": ("frames/s", 1, 1), "latency": ("latency, ms", 1000, 1), "p95_latency": ("p95, ms", 1000, 1), "decided": ("in time, %", 100, 1),
    "accuracy": ("right, %", 100, 1),
    "bytes": ("bytes", 1, 0), "wire": ("with MQTT", 1, 0), "server_time": ("server, ms", 1000, 2), "server_cpu": ("worker, ms", 1000, 2),
    "board_cpu": ("board, ms", 1000, 1), "energy": ("energy, mJ", 1000, 0),
    "sent": ("sent, %", 100, 0),
}
# Tables of their own; with another title.
OVERVIEW = {
    "throughput": "Frames in a second, with as many as there can be", "latency": "Mean latency, ms", "p95_latency": "95th percentile of latency, ms", "bytes": "Bytes of payload a frame",
    "energy": "Energy of the board, mJ a frame", "server_time": "The server's ms for a frame", "accuracy": "Right, %",
}


def measure(lab, policies, bandwidths, rounds, count, warm_up, saturation, keep):
    """Of each policy and bandwidth, blocks of the same frames, the policies taking turns, each block by an agent that has just begun and knows its link; then each
    with as many frames as it takes.

    keep: called with what there is, now and then.
    """
    record = dict(blocks=[], saturated=[], counters=[])
    for bandwidth in bandwidths:
        for turn in range(rounds):
            for policy in turned(list(policies), turn):
                values = dict(policy=policy, bandwidth=bandwidth, turn=turn)
                block, counters = repeated(lambda: lab.fresh_block(policy, policies[policy], bandwidth, turn * count, count, warm_up, values))
                record["blocks"].append(block)
                record["counters"].append(dict(values, counters=counters))
            say(f"{bandwidth:g} Mbit/s, round {turn + 1} of {rounds}")
            keep(record)
        for turn in range(max(rounds, 2) if saturation else 0):
            for policy in turned(list(policies), turn):
                run = repeated(lambda: lab.saturated(policy, policies[policy], bandwidth, SETTLING, saturation))
                record["saturated"].append(dict(policy=policy, bandwidth=bandwidth, turn=turn, **run))
            say(f"{bandwidth:g} Mbit/s, as many frames as can be, {turn + 1} of {max(rounds, 2)}")
            keep(record)
    return record


def turned(values, by):
    by %= len(values)
    return values[by:] + values[:by]


def repeated(measure, tries=5):
    for rest in reversed(range(tries)):
        try:
            return measure()
        except Stalled as stalled:
            say(f"{stalled}; again")
            if not rest:
                raise


class Cell:
    """A policy at a bandwidth."""

    def __init__(self, record, policy, bandwidth):
        def own(kind):
            return [entry for entry in record[kind] if (entry["policy"], entry["bandwidth"]) == (policy, bandwidth)]

        self.policy, self.blocks = policy, sorted(own("blocks"), key=lambda block: block["turn"])
        self.saturated = own("saturated")
        self.figures = self.of(self.blocks)
        self.figures["throughput"] = sum(run["throughput"] for run in self.saturated) / len(self.saturated) if self.saturated else None

    @staticmethod
    def of(blocks):
        values = figures(blocks)
        if values:
            values["decided"] = 1 - values["deadline_misses"]
        return values

    def pieces(self, figure):
        """Of each block the frames in groups of ten, so that policies are resampled on the same frames; of energy the block, since a radio that rests between frames
        does so within one."""
        for block in self.blocks:
            frames, pieces = block["frames"], []
            size = len(frames) if figure == "energy" else 10
            for start in range(0, len(frames), size):
                part = frames[start:start + size]
                share = len(part) / len(frames)
                pieces.append(dict(block, frames=part, **{key: block[key] * share for key in ("computed", "waited", "served")}))
            yield pieces

    def expected(self, figure):
        """What the planner expected of the frames, on average; `None` where it said nothing."""
        values = [block["forecasts"][frame["forecast"]]["figures"][figure] for block in self.blocks for frame in block["frames"] if frame["forecast"] is not None]
        return sum(values) / len(values) if values else None

    def plan(self, figure):
        """The one plan of all frames that the figure is of; `None` where there were several, or it isn't known."""
        if figure == "throughput":
            plans = {plan for run in self.saturated for plan in run.get("plans", [None])}
        else:
            plans = {None if frame["forecast"] is None else block["forecasts"][frame["forecast"]]["plan"] for block in self.blocks for frame in block["frames"]}
        return plans.pop() if len(plans) == 1 else None

    def runs_as(self, other, figure):
        """Whether all frames of both that the figure is of ran the same plan."""
        return self.plan(figure) is not None and self.plan(figure) == other.plan(figure)


def ratio(a, b, figure):
    """How many times as much a costs as b, and the interval of that; of two cells on the same frames. `None` without a figure."""
    value, sampled = ratios(a, b, figure)
    return value, interval(sampled) if sampled else (math.nan, math.nan)


def ratios(a, b, figure):
    """The same with what resamples of the frames give instead of the interval; of throughput with what each run does, a frame more or less."""
    more = figure in ("throughput", "accuracy")

    def cost(values):
        return None if values.get(figure) is None else 1 - values[figure] if figure == "accuracy" else 1 / max(values[figure], 1e-9) if more else values[figure]

    def quotient(first, second):
        if first is None or second is None:
            return math.nan
        return 1.0 if first == second else first / second if second > 0 else math.inf

    value = quotient(cost(a.figures), cost(b.figures))
    if figure == "throughput":
        # A run counts whole frames.
        def runs(x, y):
            pair, frame = quotient(1 / max(x["throughput"], 1e-9), 1 / max(y["throughput"], 1e-9)), 1 / max(min(x["frames"], y["frames"]), 1)
            return [pair * (1 - frame), pair * (1 + frame)]

        return value, [bound for x, y in zip(a.saturated, b.saturated) for bound in runs(x, y)]
    pieces = [list(zip(first, second)) for first, second in zip(a.pieces(figure), b.pieces(figure))]
    return value, nested_draws(pieces, lambda chosen: quotient(cost(Cell.of([x for x, _ in chosen])), cost(Cell.of([y for _, y in chosen]))), 1000)


def worse(cell, other, figure, count):
    """Whether a cell costs more than another, one of so many of which the luckiest looks best: beyond the chance that 95 % of resamples have over all of these
    comparisons (Bonferroni). Not where both run the same plan."""
    _, sampled = ratios(cell, other, figure)
    return bool(sampled) and not cell.runs_as(other, figure) and quantile(sampled, 0.025 / count) > 1


def keeps(cell, policy, full, table_accuracy, figure=None):
    """Whether the cell keeps the policy's bounds: on what is right by the table, whose samples are many, and by its own frames within their noise; on what is in time
    within that noise. Of throughput also what was right meanwhile."""
    count = sum(len(block["frames"]) for block in cell.blocks)
    for key, bound in policy.constraints:
        if key == "accuracy-loss":
            expected = cell.expected("accuracy")
            if expected is not None and table_accuracy - expected > bound + ROUNDING:
                return False
            # Paired: only frames on which the two differ are noise.
            losses = [full[frame["image"]] - frame["right"] for block in cell.blocks for frame in block["frames"]]
            mean = sum(losses) / count
            if mean > bound + 1.96 * math.sqrt(max(sum((loss - mean) ** 2 for loss in losses), 1)) / count:
                return False
            # With as many frames as go through plans may be others, and so may be what is right.
            if figure == "throughput" and cell.saturated:
                share, frames = sum(full) / len(full), sum(run["frames"] for run in cell.saturated)
                right = sum(run["accuracy"] * run["frames"] for run in cell.saturated) / max(frames, 1)
                if share - right > bound + 1.96 * math.sqrt(share * (1 - share) / max(min(frames, len(full)), 1)):
                    return False
        elif key == "harm":
            expected = cell.expected("harm")
            if expected is not None and expected > bound + ROUNDING:
                return False
        elif key == "deadline-misses":
            misses = cell.figures["deadline_misses"]
            if misses > bound + 1.96 * math.sqrt(max(misses * (1 - misses), 1 / count) / count):
                return False
    return True


def table(record, full, table_accuracy, folder="Config/policies"):
    """Prints the tables. full: whether the full model is right, by image; table_accuracy: how often it was when the table was made."""
    policies = list(dict.fromkeys(block["policy"] for block in record["blocks"]))
    bandwidths = sorted({block["bandwidth"] for block in record["blocks"]})
    cells = {(policy, bandwidth): Cell(record, policy, bandwidth) for policy in policies for bandwidth in bandwidths}
    for bandwidth in bandwidths:
        some = next(cells[policy, bandwidth] for policy in policies)
        right = [full[frame["image"]] for block in some.blocks for frame in block["frames"]]
        print(f"\n{bandwidth:g} Mbit/s; {len(right)} frames a policy, of which the full model has {100 * sum(right) / max(len(right), 1):.1f} % right\n")
        print("| policy | " + " | ".join(title for title, _, _ in COLUMNS.values()) + " |\n|---|" + "---:|" * len(COLUMNS))
        for policy in policies:
            values = cells[policy, bandwidth].figures
            row = ["–" if values.get(figure) is None else f"{values[figure] * factor:.{digits}f}" for figure, (_, factor, digits) in COLUMNS.items()]
            print(f"| {policy} | " + " | ".join(row) + " |")
    overview(cells, policies, bandwidths)
    verdicts(cells, policies, bandwidths, lambda cell, policy, figure: keeps(cell, policy, full, table_accuracy, figure), folder)
    margins(cells, policies, bandwidths)


def matrix(title, policies, bandwidths, cell):
    """A table with a row for each policy and a column for each bandwidth."""
    print(f"\n{title}\n")
    print("| policy | " + " | ".join(f"{bandwidth:g} Mbit/s" for bandwidth in bandwidths) + " |\n|---|" + "---|" * len(bandwidths))
    for policy in policies:
        print(f"| {policy} | " + " | ".join(cell(policy, bandwidth) for bandwidth in bandwidths) + " |")


def overview(cells, policies, bandwidths):
    for figure, (title, factor, digits) in COLUMNS.items():
        if figure in OVERVIEW:
            def text(policy, bandwidth):
                value = cells[policy, bandwidth].figures.get(figure)
                return "–" if value is None else f"{value * factor:.{digits}f}"

            matrix(OVERVIEW[figure] or title, policies, bandwidths, text)


def gained(cell, other, targets):
    """What a policy has for what it lost of the targets before: the first of these that is better beyond chance, unless one before it is worse by more than its slack;
    figure, ratio and interval, or None."""
    for figure, slack, _ in targets:
        value, (low, high) = ratio(cell, other, figure)
        if high < 1:
            return figure, value, (low, high)
        if low > 1 and value > 1 + slack:
            return None
    return None


def verdicts(cells, policies, bandwidths, keeps, folder):
    rows, short, targets, counts = [], {}, {}, {}
    for ours in (policy for policy in OURS if policy in policies):
        wanted = Policy(f"{folder}/{ours}.yaml")
        figure, slack, more = wanted.targets[0]
        targets[ours] = figure.replace("_", " ")
        for bandwidth in bandwidths:
            cell = cells[ours, bandwidth]
            others = [cells[policy, bandwidth] for policy in PUBLISHED if policy in policies]
            allowed = [other for other in others if keeps(other, wanted, figure)]
            kept = "yes" if keeps(cell, wanted, figure) else "NO"
            if not allowed:
                rows.append([ours, f"{bandwidth:g}", figure, kept, "none keeps its bounds", "", "–"])
                short[ours, bandwidth] = "no other keeps its bounds"
                continue
            ranked = sorted(allowed, key=lambda other: other.figures[figure], reverse=more)
            # What two starts of the same differ by says nothing of policies.
            same = cell.runs_as(ranked[0], figure)
            ahead = None if same else next((other for other in ranked if worse(cell, other, figure, len(ranked))), None)
            best = ahead or ranked[0]
            value, (low, high) = ratio(cell, best, figure)
            name = "–" if math.isnan(value) else "same plan" if same else "worse" if ahead else "better" if high < 1 else "as good"
            verdict, said = name, name
            if name == "worse" and value <= 1 + slack:
                traded = gained(cell, best, wanted.targets[1:])
                if traded:
                    following, gain, (least, most) = traded
                    name, said = "traded", f"for {gain:.2f} of its {following.replace('_', ' ')}"
                    verdict = f"traded for {following.replace('_', ' ')} {gain:.3f} ({least:.3f} … {most:.3f})"
            if kept != "yes":
                name = said = "beyond its bounds"
            counts[name] = counts.get(name, 0) + 1
            short[ours, bandwidth] = f"{value:.2f} {'same as ' if name == 'same plan' else ''}{best.policy}" if name in ("as good", "same plan") else f"**{value:.2f} {said}** {best.policy}"
            rows.append([ours, f"{bandwidth:g}", figure, kept, best.policy, f"{value:.3f} ({low:.3f} … {high:.3f})", verdict])
    if rows:
        print("\nOn its own target against the best published policy that keeps the same bounds, or the best of those that are better beyond chance; a ratio below 1 is")
        print("better, with 95 % of resamples of blocks and the frames in them (throughput: what the runs differ by, and a frame); of one block each, what differs between two starts")
        print("of an agent isn't in that. Better: so are 95 %. Worse: than one of them, with 95 % over the comparisons with all (throughput: in every run)\n")
        print("| policy | Mbit/s | target | keeps its bounds | best other | ratio | |\n|---|---:|---|---|---|---:|---|")
        for row in rows:
            print("| " + " | ".join(row) + " |")
        print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) + "; traded: worse beyond chance, by no more than what the policy itself allows its")
        print("target to lose for the sake of the next ones (its slack), and one of those is better beyond chance;")
        print("same plan: every frame of both ran the same one, and starts differ")
        matrix(f"The same without intervals, on {', '.join(f'{policy} {target}' for policy, target in targets.items())}", targets, bandwidths, lambda *cell: short[cell])


def margins(cells, policies, bandwidths):
    if BASELINE not in policies:
        return
    print(f"\nHow many times less than {BASELINE} (a JPEG, or lossless, of every frame); throughput: how many times more\n")
    shown = ["latency", "p95_latency", "bytes", "server_time", "energy", "throughput"]
    print("| policy | Mbit/s | " + " | ".join(shown) + " |\n|---|---:|" + "---:|" * len(shown))
    others = [policy for policy in policies if policy != BASELINE]
    for policy in others:
        for bandwidth in bandwidths:
            row = []
            for figure in shown:
                value, (low, high) = ratio(cells[policy, bandwidth], cells[BASELINE, bandwidth], figure)
                row.append(margin(value, low, high))
            print(f"| {policy} | {bandwidth:g} | " + " | ".join(row) + " |")

    def times(policy, bandwidth, figure):
        mine, base = cells[policy, bandwidth].figures[figure], cells[BASELINE, bandwidth].figures[figure]
        if mine is None or base is None:
            return "–"
        return f"{mine / base:.2f}" if figure == "throughput" else "all" if mine == 0 else f"{base / mine:.2f}"

    for figure in shown:
        title = (OVERVIEW[figure] or COLUMNS[figure][0]).split(",")[0].lower()
        matrix(f"How many times {'more' if figure == 'throughput' else 'less'} than {BASELINE}: {title}", others, bandwidths, lambda policy, bandwidth: times(policy, bandwidth, figure))


def margin(value, low, high):
    def inverse(number):
        return "all" if number == 0 else f"{1 / number:.2f}"

    if math.isnan(value):
        return "–"
    return "all" if value == 0 else f"{inverse(value)} ({inverse(high)} … {inverse(low)})"

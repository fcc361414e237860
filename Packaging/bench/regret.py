# SPDX-License-Identifier: Apache-2.0
"""What the planner's choice costs more than the best plan, where every plan of a small space is measured."""
import json
import math
import random
import subprocess

from bench.blocks import figures
from bench.comparison import Cell, ratio, repeated, turned
from bench.policies import OURS, PUBLISHED, Policy
from bench.processes import program, say, write

# Plans that are measured again, on other frames, beside the chosen one.
BEST = 4


def space(lab, policy):
    """The plans of a policy that keep its bounds by the table, whatever the link, as `only` of a policy file wants them. Of those that do the same one."""
    command = [program("swiftlet"), "plan", lab.network.board, "--pair", lab.network.cloud, "--policy", policy, "--deadline", "none", "--count", "1000", "--json"]
    ranking = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["ranking"]
    kept = [entry for entry in ranking if not (entry.get("lost") or "").startswith("doesn't keep")]
    return [text(entry) for entry in {json.dumps(entry["figures"]): entry for entry in reversed(kept)}.values()]


def text(entry):
    def gate(gate):
        return f"exit {gate['exit']} ≥ {gate['threshold']!r}"

    parts = [gate(each) for each in entry["gates"]]
    if upload := entry.get("upload"):
        parts.append(f"send cut {upload['cut']} as {upload['payload']}" + (f" for exit {upload['exit']}" if upload.get("exit") is not None else ""))
    else:
        parts.append("end")
    if entry.get("insurance"):
        parts.append(f"on to {gate(entry['insurance'])}")
    return ", ".join(parts)


def rivals(lab, bandwidth, warm_up, wanted):
    """What all policies choose here that promise as much accuracy as this one."""
    chosen = []
    for name in PUBLISHED + OURS:
        path = f"Config/policies/{name}.yaml"
        if (Policy(path).bound("accuracy-loss") or 1) > (wanted.bound("accuracy-loss") or 1):
            continue
        board = lab.board(name, path, bandwidth)
        try:
            lab.warm_up(board, warm_up)
            chosen += [forecast["plan"] for _, forecast in board.forecasts[-1:]]
        finally:
            lab.end(board)
    return chosen


def single(lab, policy, plan):
    """A policy file that has one plan."""
    path = f"{lab.folder}/only.yaml"
    with open(policy) as file:
        write(path, file.read() + f"\nonly: {json.dumps(plan, ensure_ascii=False)}\n")
    return path


def measure(lab, policy, bandwidths, loads, most, rounds, count, warm_up, keep):
    """Of each bandwidth and load: every plan on one block of frames; then the best of them, and the planner's choice, in turns, on several.

    most: of the space, where it is larger, so many are drawn at random. What the policies choose is measured, too.
    """
    record = dict(blocks=[], finals=[], plans=0)
    plans, wanted = space(lab, policy), Policy(policy)
    record["plans"] = len(plans)
    drawn = plans if len(plans) <= most else random.Random(3).sample(plans, most)
    say(f"{len(plans)} plans, {len(drawn)} are measured")
    for load in loads:
        with lab.loaded(load):
            for bandwidth in bandwidths:
                values = dict(bandwidth=bandwidth, load=load)
                tried = list(dict.fromkeys(drawn + rivals(lab, bandwidth, warm_up, wanted)))
                for plan in tried:
                    path, named = single(lab, policy, plan), dict(values, policy=plan, turn=0)
                    block, _ = repeated(lambda: lab.fresh_block("plan", path, bandwidth, 0, count, warm_up // 2, named))
                    record["blocks"].append(block)
                    keep(record)
                figure, _, more = wanted.targets[0]
                own = [block for block in record["blocks"] if all(block[key] == value for key, value in values.items())]
                best = sorted(own, key=lambda block: figures([block])[figure] * (-1 if more else 1))[:BEST]
                finals(lab, policy, [block["policy"] for block in best], values, rounds, count, warm_up, record["finals"])
                keep(record)
                say(f"{load}, {bandwidth:g} Mbit/s")
    return record


def finals(lab, policy, best, values, rounds, count, warm_up, blocks):
    for turn in range(rounds):
        for plan in turned([*best, "chosen"], turn):
            path = policy if plan == "chosen" else single(lab, policy, plan)
            named = dict(values, policy=plan, turn=turn)
            block, _ = repeated(lambda: lab.fresh_block("final", path, values["bandwidth"], (1 + turn) * count, count, warm_up, named))
            blocks.append(block)


def table(record, policy):
    wanted = Policy(policy)
    figure = wanted.targets[0][0]
    conditions = list(dict.fromkeys((block["load"], block["bandwidth"]) for block in record["finals"]))
    print(f"\n{figure}: the planner's choice, with what changing plans costs, against the best of the plans that were measured one by one")
    print(f"({record['plans']} in the space); the {BEST} best of one block of frames were measured again on others, beside the choice, and the best of those counts\n")
    print("| load | Mbit/s | measured | chosen, mostly | best | ms | regret | |\n|---|---:|---:|---|---|---:|---:|---|")
    regrets = []
    for load, bandwidth in conditions:
        def here(blocks):
            return [block for block in blocks if (block["load"], block["bandwidth"]) == (load, bandwidth)]

        own = dict(saturated=[], blocks=here(record["finals"]))
        names = list(dict.fromkeys(block["policy"] for block in own["blocks"]))
        if "chosen" not in names or len(names) < 2:
            continue
        cells = {name: Cell(own, name, bandwidth) for name in names}
        best = min((cell for name, cell in cells.items() if name != "chosen"), key=lambda cell: cell.figures[figure])
        value, (low, high) = ratio(cells["chosen"], best, figure)
        regrets.append(max(value, 1))
        chosen = [block["forecasts"][frame["forecast"]]["plan"] for block in cells["chosen"].blocks for frame in block["frames"] if frame["forecast"] is not None]
        row = [load, f"{bandwidth:g}", str(len(here(record["blocks"]))), max(set(chosen), key=chosen.count) if chosen else "–", best.policy]
        row.append(f"{1000 * cells['chosen'].figures[figure]:.1f} : {1000 * best.figures[figure]:.1f}")
        row += [f"{100 * (value - 1):+.1f} %", f"{100 * (low - 1):+.1f} … {100 * (high - 1):+.1f}"]
        print("| " + " | ".join(row) + " |")
    if regrets:
        print(f"\ngeometric mean of the regrets, none below 0: {100 * (math.exp(sum(map(math.log, regrets)) / len(regrets)) - 1):.1f} %")

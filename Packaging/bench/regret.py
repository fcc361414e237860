# SPDX-License-Identifier: Apache-2.0
"""What the planner's choice costs more than the best plan, where plans of its space are measured one by one."""
import json
import math
import os
import random
import subprocess

from bench.blocks import figures
from bench.comparison import Cell, ratio, repeated, turned
from bench.policies import OURS, PUBLISHED, Policy
from bench.processes import program, say, write

# Plans that are measured again, on other frames, beside the chosen one.
BEST = 4


def space(lab, policy, bandwidth):
    """The plans of a policy that keep its bounds by the table, whatever the link, as `only` of a policy file wants them; the one first that is expected to be the best here.
    Of those that do the same one. Keys are what agents call them."""
    command = [program("swiftlet"), "plan", lab.network.board, "--pair", lab.network.cloud, "--policy", policy, "--deadline", "none", "--count", "100000", "--json"]
    command += ["--uplink", f"{bandwidth:g}Mbit/s", "--round-trip", f"{1000 * lab.options.round_trip:g}ms", "--period", f"{1000 * lab.options.period:g}ms"]
    environment = dict(os.environ, SWIFTLET_ISA=lab.options.isa)
    ranking = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)["ranking"]
    kept = [entry for entry in ranking if not (entry.get("lost") or "").startswith("doesn't keep")]
    first = {}
    for entry in kept:
        first.setdefault(json.dumps(entry["figures"]), entry)
    return {entry["plan"]: text(entry) for entry in first.values()}


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


def rivals(lab, bandwidth, warm_up, wanted, plans):
    """What all policies choose here that promise as much accuracy as this one, as far as this one may choose it, too."""
    chosen = []
    for name in PUBLISHED + OURS:
        path = f"Config/policies/{name}.yaml"
        if (Policy(path).bound("accuracy-loss") or 1) > (wanted.bound("accuracy-loss") or 1):
            continue
        board = lab.board(name, path, bandwidth)
        try:
            lab.warm_up(board, warm_up)
            chosen += [plans[forecast["plan"]] for _, forecast in board.forecasts[-1:] if forecast["plan"] in plans]
        finally:
            lab.end(board)
    return chosen


def candidates(plans, most):
    """Of a space too large for measuring every plan: those that are expected to be the best, and as many of the others at random."""
    if len(plans) <= most:
        return plans
    first = most // 2
    return plans[:first] + random.Random(3).sample(plans[first:], most - first)


def single(lab, policy, plan):
    """A policy file that has one plan."""
    path = f"{lab.folder}/only.yaml"
    with open(policy) as file:
        write(path, file.read() + f"\nonly: {json.dumps(plan, ensure_ascii=False)}\n")
    return path


def measure(lab, policy, bandwidths, loads, most, rounds, count, warm_up, keep):
    """Of each bandwidth and load: every plan on one block of frames; then the best of them, and the planner's choice, in turns, on several.

    most: of the space, where it is larger, so many; and what the policies choose.
    """
    record, wanted = dict(blocks=[], finals=[], plans=0), Policy(policy)
    for load in loads:
        with lab.loaded(load):
            for bandwidth in bandwidths:
                values = dict(bandwidth=bandwidth, load=load)
                plans = space(lab, policy, bandwidth)
                record["plans"] = max(record["plans"], len(plans))
                tried = list(dict.fromkeys(candidates(list(plans.values()), most) + rivals(lab, bandwidth, warm_up, wanted, plans)))
                say(f"{len(plans)} plans, {len(tried)} are measured")
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
    print(f"({record['plans']} in the space: the planner's own first ones, others at random, and what the policies choose); the {BEST} best of one block of frames were measured")
    print("again on others, beside the choice, and the best of those counts\n")
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

# SPDX-License-Identifier: Apache-2.0
"""What the planner's choice costs more than the best plan, where plans of its space are measured one by one."""
import json
import math
import os
import random
import subprocess

from bench.blocks import figures
from bench.comparison import Cell, ratios, repeated, turned
from bench.figures import interval
from bench.policies import OURS, PUBLISHED, Policy
from bench.processes import program, say, write

# Plans that are measured again, on other frames, beside the chosen one.
BEST = 4
# What two plans cost that look at no link, to see what choosing is worth.
NEVER, ALWAYS = "never sends", "always sends"


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


def fixed(plans):
    """Of a space, best first: the best that never sends, and the best that sends every frame before it is looked at."""
    never = next((plan for plan in plans if "send" not in plan), None)
    always = next((plan for plan in plans if plan.startswith("send")), None)
    return {name: plan for name, plan in ((NEVER, never), (ALWAYS, always)) if plan}


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
    # The best where the link is good, the same ones everywhere.
    references = fixed(list(space(lab, policy, max(bandwidths)).values()))
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
                finals(lab, policy, {block["policy"]: block["policy"] for block in best} | references, values, rounds, count, warm_up, record["finals"])
                keep(record)
                say(f"{load}, {bandwidth:g} Mbit/s")
    return record


def finals(lab, policy, plans, values, rounds, count, warm_up, blocks):
    """plans: by the name that their blocks get."""
    for turn in range(rounds):
        for name in turned([*plans, "chosen"], turn):
            path = policy if name == "chosen" else single(lab, policy, plans[name])
            named = dict(values, policy=name, turn=turn)
            block, _ = repeated(lambda: lab.fresh_block("final", path, values["bandwidth"], (1 + turn) * count, count, warm_up, named))
            blocks.append(block)


def oracle(blocks, figure, more):
    """What somebody gets who measured the plans: of each turn the block of the plan that was best in all the others. The best of measurements that count themselves would be
    too good by chance."""
    plans = list(dict.fromkeys(block["policy"] for block in blocks))
    chosen = []
    for turn in sorted({block["turn"] for block in blocks}):
        def seen(plan):
            return figures([block for block in blocks if block["policy"] == plan and block["turn"] != turn])[figure] * (-1 if more else 1)

        best = min(plans, key=seen)
        chosen += [block for block in blocks if block["policy"] == best and block["turn"] == turn]
    return chosen


def table(record, policy):
    wanted = Policy(policy)
    figure, _, more = wanted.targets[0]
    conditions = list(dict.fromkeys((block["load"], block["bandwidth"]) for block in record["finals"]))
    print(f"\n{figure}: the planner's choice, with what changing plans costs, against an oracle that measured plans one by one")
    print(f"({record['plans']} in the space: the planner's own first ones, others at random, and what the policies choose); the {BEST} best of one block of frames were measured")
    print("again on others, beside the choice, in several turns. The oracle takes in each turn the plan that was best in the others. Beside it the regret of two plans")
    print("that look at no link: the best that never sends, and the best that sends every frame\n")
    print(f"| load | Mbit/s | measured | turns, frames | chosen, mostly | the oracle's, mostly | ms | regret | | {NEVER} | {ALWAYS} |\n|---|---:|---:|---:|---|---|---:|---:|---|---:|---:|")
    regrets, sampled, blind = [], [], {NEVER: [], ALWAYS: []}
    for load, bandwidth in conditions:
        def here(blocks):
            return [block for block in blocks if (block["load"], block["bandwidth"]) == (load, bandwidth)]

        finals = here(record["finals"])
        # A turn that was cut short compares nothing.
        names = {block["policy"] for block in finals}
        finals = [block for block in finals if {other["policy"] for other in finals if other["turn"] == block["turn"]} == names]
        own = [block for block in finals if block["policy"] == "chosen"]
        if len(own) < 2 or len(names) < 2:
            continue
        others = oracle([block for block in finals if block["policy"] != "chosen"], figure, more)

        def cell(blocks):
            return Cell(dict(saturated=[], blocks=[dict(block, policy="") for block in blocks]), "", bandwidth)

        choice, best = cell(own), cell(others)
        value, samples = ratios(choice, best, figure)
        low, high = interval(samples)
        regrets.append(value)
        sampled.append(samples)
        chosen = [block["forecasts"][frame["forecast"]]["plan"] for block in own for frame in block["frames"] if frame["forecast"] is not None]
        plans = [block["policy"] for block in others]
        row = [load, f"{bandwidth:g}", str(len(here(record["blocks"]))), f"{len(own)}, {sum(len(block['frames']) for block in own)}"]
        row += [max(set(chosen), key=chosen.count) if chosen else "–", max(set(plans), key=plans.count)]
        row.append(f"{1000 * choice.figures[figure]:.1f} : {1000 * best.figures[figure]:.1f}")
        row += [f"{100 * (value - 1):+.1f} %", f"{100 * (low - 1):+.1f} … {100 * (high - 1):+.1f}"]
        for name, all_of_it in blind.items():
            reference = [block for block in finals if block["policy"] == name]
            if reference:
                all_of_it.append(ratios(cell(reference), best, figure)[0])
            row.append(f"{100 * (all_of_it[-1] - 1):+.1f} %" if reference else "–")
        print("| " + " | ".join(row) + " |")
    if regrets:
        low, high = interval([mean(values) for values in zip(*sampled)])
        print(f"\ngeometric mean: {100 * (mean(regrets) - 1):+.1f} % ({100 * (low - 1):+.1f} … {100 * (high - 1):+.1f}); "
              f"with none below 0: {100 * (mean([max(value, 1) for value in regrets]) - 1):.1f} %")
        for name, values in blind.items():
            if len(values) == len(regrets):
                print(f"a plan that {name}: {100 * (mean(values) - 1):+.1f} %")


def mean(values):
    """Geometric."""
    return math.exp(sum(map(math.log, values)) / len(values))

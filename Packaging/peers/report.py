# SPDX-License-Identifier: Apache-2.0
"""The tables, in Markdown that a terminal can show as it is."""
import math

TITLES = {"swiftlet": "Swiftlet", "ort": "onnxruntime", "openvino": "OpenVINO", "ncnn": "ncnn", "mnn": "MNN", "litert": "LiteRT"}
# What the networks' geometric means are taken over; the others are shown besides.
FIRST_SIX = ["mobilenet_v2", "mobilenet_v3_large", "resnet18", "resnet50", "squeezenet1_1", "googlenet"]


def table(header, rows):
    cells = [header, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row):
        return "| " + " | ".join(text.ljust(width) if column == 0 else text.rjust(width)
                                 for column, (text, width) in enumerate(zip(row, widths))) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if column == 0 else ":") for column, width in enumerate(widths)) + "|"
    return "\n".join([line(header), rule, *map(line, rows)])


def milliseconds(value):
    return f"{value:.2f}" if value < 100 else f"{value:.1f}"


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def speed_table(setting):
    """Median / minimum in ms of every engine, and the ratio."""
    engines = [engine for engine in TITLES if any(engine in entry["engines"] for entry in setting["networks"].values())]
    rows = []
    for name, entry in setting["networks"].items():
        row = [name]
        for engine in engines:
            times = entry["engines"].get(engine)
            row.append(f"{milliseconds(times['median'])} / {milliseconds(times['min'])}" if times else "–")
        ratio = entry.get("ratio")
        row.append(f"{ratio['median']:.2f} {TITLES[ratio['fastest']]}" if ratio else "–")
        rows.append(row)
    for title, chosen in (("geometric mean, first six", FIRST_SIX), ("geometric mean, all", setting["networks"])):
        mean = mean_ratio(setting, chosen)
        if mean:
            rows.append([title, *[""] * len(engines), f"{mean:.2f}"])
    return table(["network", *(TITLES[engine] for engine in engines), "ours ÷ fastest"], rows)


def ratios(setting, names):
    entries = (setting["networks"].get(name, {}) for name in names) if setting else ()
    return [entry["ratio"]["median"] for entry in entries if entry.get("ratio")]


def mean_ratio(setting, names):
    found = ratios(setting, names)
    return geometric_mean(found) if len(found) == len(list(names)) else None


def worst_ratio(setting, names):
    found = ratios(setting, names)
    return max(found) if len(found) == len(names) else None


def goals(record):
    """The issue's rows: (what, measured, bar, aim, whether less is better)."""
    setting = {(entry["precision"], entry["threads"]): entry for entry in record["settings"]}
    int8, int8_two, fp32 = setting.get(("int8", 1)), setting.get(("int8", 2)), setting.get(("fp32", 1))
    share, start = record.get("peak_share"), record.get("start")
    return [
        ("int8, one thread, geometric mean of the first six", mean_ratio(int8, FIRST_SIX), 1.00, 0.80, True),
        ("int8, one thread, the worst of the first six", worst_ratio(int8, FIRST_SIX), 1.20, 1.00, True),
        ("int8, two threads, geometric mean of the first six", mean_ratio(int8_two, FIRST_SIX), 1.00, 0.80, True),
        ("float32, one thread, geometric mean of the first six", mean_ratio(fp32, FIRST_SIX), 1.15, 1.00, True),
        (f"share of the exact int8 peak on resnet50{' (' + share['instruction'] + ')' if share else ''}",
         share and share["share"], 0.65, 0.80, False),
        ("peak memory, mobilenet_v2 int8, ours ÷ the smallest peer's share", start and start["memory_ratio"], 1.0, 0.6, True),
        ("process start to first result, mobilenet_v2 int8, ours ÷ the fastest peer's share", start and start["time_ratio"], 1.0, 0.5, True),
    ]


def goal_table(record):
    rows = []
    for what, measured, bar, aim, less in goals(record):
        if measured is None:
            rows.append([what, "–", f"{'≤' if less else '≥'} {bar:.2f}", f"{'≤' if less else '≥'} {aim:.2f}", "not measured"])
            continue

        def reaches(limit):
            return measured <= limit if less else measured >= limit

        sign = "≤" if less else "≥"
        verdict = "aim" if reaches(aim) else "bar" if reaches(bar) else "missed"
        rows.append([what, f"{measured:.2f}", f"{sign} {bar:.2f}", f"{sign} {aim:.2f}", verdict])
    return table(["what", "measured", "bar", "aim", "reached"], rows)


def start_table(start):
    rows = []
    for engine, entry in start["engines"].items():
        title = {"daemon": "Swiftlet, swiftletd", "swiftlet": "Swiftlet, swiftlet bench"}.get(engine) or TITLES[engine]
        rows.append([title, f"{entry['ms']:.0f}", f"{entry['megabytes']:.1f}", f"{entry['own_ms']:.0f}", f"{entry['own_megabytes']:.1f}"])
    header = ["engine", "to first result, ms", "peak memory, MB", "beyond Python: ms", "MB"]
    return table(header, rows)


def exactness_table(exactness):
    rows = []
    for engine, layers in exactness.items():
        if "error" in layers:
            rows.append([TITLES[engine], f"not checked: {layers['error']}", "", ""])
            continue
        for layer, found in layers.items():
            rows.append([f"{TITLES[engine]}, {layer}", found["kernel"], f"{100 * found['wrong']:.1f} %", str(found["worst"])])
    return table(["engine, layer", "computed in", "off by more than a step", "largest error, steps"], rows)


def saturation(exactness):
    checked = {engine: layers for engine, layers in exactness.items() if "error" not in layers}
    wrong = [TITLES[engine] for engine, layers in checked.items() if any(found["wrong"] > 0 for found in layers.values())]
    exact = [TITLES[engine] for engine in checked if TITLES[engine] not in wrong]
    sentences = [f"{' and '.join(wrong)} saturated on this CPU: not exact."] if wrong else []
    return " ".join([*sentences, f"{', '.join(exact)}: exact here." if exact else ""]).strip()


def markdown(record):
    machine = record["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    parts = [
        f"{record['date']}, {machine['cpu']}, {machine['cores']} cores, {machine['isa']}. {versions}. Swiftlet {record['commit']}.",
        f"Batch 1, 3×224×224, random weights, {record['rounds']} interleaved rounds of {record['seconds']} s; median / minimum of a run in ms; "
        "the ratio is the median over the rounds of ours ÷ the fastest peer of the row.",
    ]
    if record.get("isa_limit"):
        parts.append(f"All kept to {record['isa_limit'].upper()}.")
    for setting in record["settings"]:
        threads = "one thread" if setting["threads"] == 1 else f"{setting['threads']} threads"
        parts += [f"**{'int8' if setting['precision'] == 'int8' else 'float32'}, {threads}**", speed_table(setting)]
    if record.get("start"):
        parts += ["**mobilenet_v2 in int8, one thread, fresh processes (medians)**", start_table(record["start"])]
    if record.get("exactness"):
        parts += ["**int8 against exact integers, full-range operands**", exactness_table(record["exactness"])]
        parts.append(saturation(record["exactness"]))
    if record.get("doubts"):
        parts.append("Answers unlike float32's: " + "; ".join(f"{what}, {how}" for what, how in record["doubts"].items()) + ".")
    if record.get("missing"):
        parts.append("Not there: " + "; ".join(f"{what} ({why})" for what, why in record["missing"].items()) + ".")
    if record.get("isa_limit"):
        share = record.get("peak_share")
        if share:
            peak = share["gmacs"][share["instruction"]]
            parts.append(f"resnet50 in int8: {100 * share['share']:.0f} % of what {share['instruction']} can do, {peak:.0f} GMAC/s, "
                         "by the products that the network is defined with: forms that need fewer, as Winograd's, may pass 100 %.")
    else:
        parts += ["**What was asked**", goal_table(record)]
    return "\n\n".join(parts) + "\n"

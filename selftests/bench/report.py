#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What was measured, as figures that can be compared.

report.py show RAW FOLDER
    Prints a table; figures.json and chart.svg in FOLDER have the same.
report.py seconds RAW FOLDER
    Prints what was measured on the real clock, and how busy each processor was.
report.py check RAW FIGURES
    Compares with figures that were kept: exits with 1 if a tunnel of ours costs more than 3 % more,
    next to WireGuard in the same run.
report.py readme FIGURES README
    Writes the table between the marks in README.

RAW is what run.sh measured, see there and in measure.sh.
"""

import json
import math
import pathlib
import re
import statistics
import sys

import chart

WORSE = 1.03
SEGMENT = 1368  # bytes of TCP in a packet of 1,420

# What each workload is called, what its figure counts, and its share of the floor that is no tunnel's:
# so many times the cipher on a packet of so many bytes
WORKLOADS = {
    "bulk": ("TCP bulk", "byte", 1 / SEGMENT, 1420),
    "udp-64": ("UDP, 64 bytes", "packet", 1, 84),
    "udp-1400": ("UDP, 1,400 bytes", "packet", 1, 1420),
    "udp-64-burst": ("UDP, 64 bytes, 64 at once", "packet", 1, 84),
    "udp-1400-burst": ("UDP, 1,400 bytes, 64 at once", "packet", 1, 1420),
    "ping": ("ping", "round trip", 2, 84),
    "request": ("TCP request, response", "round trip", 2, 53),
    "card": ("TCP bulk, plain card", "byte", 1 / SEGMENT, 1420),
    "duplex": ("TCP bulk both ways", "byte", 1 / SEGMENT, 1420),
    "handshake": ("handshake", "handshake", 0, 0),
    "loss": ("TCP bulk, 2 % loss: time", "byte", 0, 0),
    "router": ("TCP bulk, router", "byte", 1 / SEGMENT, 1420),
    "peers": ("TCP bulk, 10,000 peers", "byte", 1 / SEGMENT, 1420),
    "cpus-2": ("TCP bulk, 2 processors: time", "byte", 0, 0),
    "cpus-4": ("TCP bulk, 4 processors: time", "byte", 0, 0),
}
TIMES = "loss", "cpus-2", "cpus-4"  # that went by, not what was busy

TUNNELS = {
    "none": "no tunnel",
    "floor-aes": "floor, AES",
    "floor-chacha": "floor, ChaCha20",
    "wireguard": "WireGuard",
    "ovpn": "ovpn",
    "esp": "ESP",
    "esp-link": "ESP with a link",
    "toyvpn-aes": "toyvpn, AES",
    "toyvpn-chacha": "toyvpn, ChaCha20",
}
OURS = {"toyvpn-aes": "floor-aes", "toyvpn-chacha": "floor-chacha"}


def read_raw(path):
    """{"kernel": release, "figures": {workload: {tunnel: ns}}, "shares": {workload: {tunnel: [share of the
    time that a processor was busy]}}}; of what was measured several times the median, and the mean share"""
    ciphers, runs, figures, shares, kernel = {}, {}, {}, {}, None
    for line in pathlib.Path(path).read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[0] == "kernel":
            kernel = words[1]
        elif words[0] == "floor":
            ciphers[words[1], int(words[2])] = int(words[3])
        else:
            tunnel, workload = words[:2]
            runs.setdefault(workload, {}).setdefault(tunnel, []).append([int(word) for word in words[2:]])
    for workload, tunnels in runs.items():
        what = 2 if workload in TIMES else 1
        figures[workload] = {tunnel: statistics.median(run[what] / run[0] for run in of_tunnel)
                             for tunnel, of_tunnel in tunnels.items()}
        if workload.startswith("cpus-"):
            shares[workload] = {tunnel: [round(statistics.mean(each), 2) for each in zip(
                *([busy / run[2] for busy in run[3:]] for run in of_tunnel))]
                                for tunnel, of_tunnel in tunnels.items()}
    for workload, costs in figures.items():
        _, _, times, size = title_of(workload)
        if "none" in costs and times:
            for cipher in "aes", "chacha":
                costs["floor-" + cipher] = costs["none"] + times * ciphers[cipher, size]
    return {"kernel": kernel, "figures": figures, "shares": shares}


def title_of(workload):
    """Its entry in WORKLOADS, or one made from what scale.sh calls it"""
    if workload in WORKLOADS:
        return WORKLOADS[workload]
    what, count = workload.split("-")
    what = {"configure": "configure {} peers", "dump": "dump {} peers",
            "memory": "memory of {} idle peers, bytes"}[what]
    return what.format(f"{int(count):,}"), "peer", 0, 0


def rounded(value):
    """Three digits and more: 0.577, 27.8, 41,234"""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def tunnels_of(figures):
    return [name for name in TUNNELS if any(name in costs for costs in figures.values())]


def cells(costs, tunnel):
    """The figure, and how it stands to WireGuard's and to the floor"""
    if tunnel not in costs:
        return ["", "", ""]
    floor = OURS.get(tunnel)
    return [rounded(costs[tunnel])] + [
        f"{costs[tunnel] / costs[base]:.2f}" if base in costs and base != tunnel else ""
        for base in ("wireguard", floor)]


def table(result):
    """Rows of text"""
    for workload, costs in result["figures"].items():
        title, unit, _, _ = title_of(workload)
        yield [f"{title}, a {unit}", "", "x WireGuard", "x floor"]
        for tunnel in tunnels_of(result["figures"]):
            if tunnel in costs:
                yield ["  " + TUNNELS[tunnel]] + cells(costs, tunnel)


def show(raw, folder):
    result = read_raw(raw)
    print(f"Linux {result['kernel']}: instructions")
    for row in table(result):
        print("{:<42}{:>12}{:>13}{:>9}".format(*row))
    for workload, tunnels in result["shares"].items():
        print(f"{title_of(workload)[0]}, share that each was busy")
        for tunnel in tunnels_of({workload: tunnels}):
            print(f"  {TUNNELS[tunnel]:<40}" + " ".join(f"{share:>7.0%}" for share in tunnels[tunnel]))
    folder = pathlib.Path(folder)
    (folder / "figures.json").write_text(json.dumps(result, indent="\t") + "\n", encoding="ascii")
    (folder / "chart.svg").write_text(chart.svg(
        [(title_of(name)[0], costs) for name, costs in result["figures"].items()],
        TUNNELS, "wireguard"), encoding="utf-8")


def seconds(raw, _):
    print("{:<28}{:<18}{:>10}{:>12}  {}".format("", "", "seconds", "a second", "processors busy"))
    for line in pathlib.Path(raw).read_text(encoding="ascii").splitlines():
        tunnel, *words = line.split()
        if tunnel not in TUNNELS or len(words) < 5:
            continue
        title, unit, _, _ = title_of(words[0])
        amount, _, elapsed, *each = map(int, words[1:])
        rate = amount / elapsed * 1e9
        rate = f"{rate * 8 / 1e9:.3f} Gbit" if unit == "byte" else f"{rate:,.0f}"
        print(f"{title:<28}{TUNNELS[tunnel]:<18}{elapsed / 1e9:>10.3f}{rate:>12}  " +
              " ".join(f"{100 * busy / elapsed:.0f}%" for busy in each))


def check(raw, kept):
    now, before = read_raw(raw), json.loads(pathlib.Path(kept).read_text(encoding="ascii"))
    if now["kernel"] != before["kernel"]:
        print(f"kept with Linux {before['kernel']}, this is {now['kernel']}")
    failed = False
    for workload, costs in now["figures"].items():
        for tunnel in set(OURS) & set(costs):
            old, new = (some[tunnel] / some["wireguard"]
                        for some in (before["figures"][workload], costs))
            verdict = "ok"
            if new > old * WORSE:
                verdict, failed = "WORSE", True
            print(f"{verdict:<6}{title_of(workload)[0]:<30}{TUNNELS[tunnel]:<18}"
                  f"{new:.3f} x WireGuard, was {old:.3f}: {100 * (new / old - 1):+.1f} %")
    sys.exit(failed)


def readme(kept, path):
    result = json.loads(pathlib.Path(kept).read_text(encoding="ascii"))
    figures = result["figures"]
    names = tunnels_of(figures)
    lines = ["| | " + " | ".join(TUNNELS[name] for name in names) + " |", "| --- " * (len(names) + 1) + "|"]
    for workload, costs in figures.items():
        title, unit, _, _ = title_of(workload)
        texts = []
        for name in names:
            figure, ratio, _ = cells(costs, name)
            texts.append(f"{figure} ({ratio})" if ratio and name in OURS else figure)
        lines.append(f"| {title}, a {unit} | " + " | ".join(texts) + " |")
    for workload, tunnels in result["shares"].items():
        lines.append(f"\n{title_of(workload)[0].split(':')[0]}, how busy each was: " + "; ".join(
            f"{TUNNELS[name]} " + ", ".join(f"{share:.0%}" for share in tunnels[name])
            for name in tunnels_of({workload: tunnels})) + ".")
    text = pathlib.Path(path).read_text(encoding="utf-8")
    mark = re.compile(r"(<!-- make bench KEEP=yes -->\n).*?(<!-- end -->)", re.DOTALL)
    if not mark.search(text):
        sys.exit(f"{path} has no marks for the table")
    made = f"Linux {result['kernel']}:\n\n" + "\n".join(lines) + "\n"
    pathlib.Path(path).write_text(mark.sub(lambda match: match[1] + made + match[2], text),
                                  encoding="utf-8")


if __name__ == "__main__":
    {"show": show, "seconds": seconds, "check": check, "readme": readme}[sys.argv[1]](*sys.argv[2:])

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""coverage.py COVERAGE SOURCES UNCOVERED: whether enough of the module's lines ran, and each that did not
has a reason. COVERAGE is gcovr's --json, SOURCES the folder its names are from, UNCOVERED the list of
reasons; what the list's lines are is said there. Reports in KTAP, exit status 1 if something is wrong."""

import collections
import json
import pathlib
import re
import sys

GOAL = 90  # percent of lines

Reasons = collections.namedtuple("Reasons", "lines chance")


def read_reasons(path):
    """A dictionary: (file, function) to how many lines have a reason, and whether some run at times."""
    reasons = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+)\t+(\S+)\t+(\d+)\t+(.+)", line)
        assert match, f"{path.name}:{number}: not FILE FUNCTION LINES REASON"
        file, function, lines, reason = match.groups()
        before = reasons.get((file, function), Reasons(0, False))
        reasons[file, function] = Reasons(before.lines + int(lines),
                                          before.chance or reason.startswith("chance: "))
    return reasons


def function_of_lines(text):
    """The name of the function that each line is in, "-" for none: functions are known by the braces at the
    start of a line. The compiler's own account lacks what it inlines before it counts."""
    names, name, head, inside = [], "-", 0, False
    for number, line in enumerate(text.splitlines()):
        if match := re.match(r"[A-Za-z_][^(;=]*?\b(\w+)\(", line):
            name, head = match[1], number
        if line == "{":
            names[head:] = [name] * (number - head)
            inside = True
        names.append(name if inside else "-")
        if line.startswith("}"):
            inside = False
    return names


def read_lines(path, sources):
    """A dictionary: (file, function) to the lines of it that did not run, as they are to be shown; and how
    many lines there are in all."""
    missing, total = collections.defaultdict(list), 0
    for file in json.loads(path.read_text("utf-8"))["files"]:
        text = (sources / file["file"]).read_text("utf-8")
        names, shown = function_of_lines(text), text.expandtabs(8).splitlines()
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            total += 1
            number = line["line_number"]
            lines = missing[file["file"], names[number - 1]]
            if line["count"] == 0:
                lines.append(f"{number:6} {shown[number - 1]}")
    return missing, total


def unexplained(missing, reasons):
    """Functions with more lines that did not run than have a reason."""
    for (file, name), lines in sorted(missing.items()):
        allowed = reasons.get((file, name), Reasons(0, False)).lines
        if len(lines) > allowed:
            yield f"{file}: {name}(): {len(lines)} lines did not run, {allowed} have a reason:"
            yield from lines


def needless(missing, reasons):
    """Entries of the list that are of no use any more."""
    for (file, name), entry in reasons.items():
        if (file, name) not in missing:
            yield f"{file}: there is no {name}()"
        elif not missing[file, name] and not entry.chance:
            yield f"{file}: all of {name}() ran"


def main():
    coverage, sources, listed = (pathlib.Path(word) for word in sys.argv[1:])
    reasons = read_reasons(listed)
    missing, total = read_lines(coverage, sources)
    ran = total - sum(map(len, missing.values()))
    failed = False
    for number, (title, problems) in enumerate((
            (f"at least {GOAL} % of the module's lines ran",
             [] if ran * 100 >= GOAL * total else [f"{ran} of {total}"]),
            ("each line that did not has a reason in selftests/vm/uncovered",
             list(unexplained(missing, reasons))),
            ("each reason there is needed", list(needless(missing, reasons)))), 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {title}")
        for problem in problems:
            print("# " + problem)
        failed |= bool(problems)
    sys.exit(failed)


if __name__ == "__main__":
    main()

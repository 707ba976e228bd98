# SPDX-License-Identifier: GPL-2.0
"""Allocations that fail when they are told to: the kernel's fault injection."""

import os
import pathlib

DEBUG = pathlib.Path("/sys/kernel/debug")
KINDS = "failslab", "fail_page_alloc"
MODULE = pathlib.Path("/sys/module/toyvpn")
# Where modules are on x86-64 without KASLR
MODULES = 0xffffffffa0000000, 0xffffffffff000000

knobs = {}


class Knobs:
    """What debugfs has of one kind of faults; its files stay open for writing."""

    def __init__(self, kind):
        self.folder = DEBUG / kind
        self.files = {}
        for name, value in (("probability", 0), ("interval", 1), ("times", -1), ("space", 0),
                            ("verbose", 0), ("task-filter", "N"), ("ignore-gfp-wait", "N"),
                            ("ignore-gfp-highmem", "Y"), ("min-order", 0), ("cache-filter", "N"),
                            ("stacktrace-depth", 32)):
            if (self.folder / name).exists():
                self.set(name, value)

    def set(self, name, value):
        if name not in self.files:
            self.files[name] = os.open(self.folder / name, os.O_WRONLY)
        os.write(self.files[name], str(value).encode())

    def get(self, name):
        return int((self.folder / name).read_text("ascii"))

    def below(self, start, end):
        """Just allocations with a function from start to end among their callers."""
        self.set("require-start", hex(start))
        self.set("require-end", hex(end))

    def not_below(self, start, end):
        self.set("reject-start", hex(start))
        self.set("reject-end", hex(end))


def function(name, *module):
    """From where to where the kernel, or [module], has a function; nowhere if it has none."""
    with open("/proc/kallsyms", encoding="ascii") as file:
        symbols = [(int(address, 16), names) for address, _, *names in map(str.split, file)]
    start = next((address for address, names in symbols if names == [name, *module]), 0)
    return start, min((address for address, _ in symbols if address > start), default=0)


def below_function(name):
    for one in knobs.values():
        one.below(*function(name, "[toyvpn]"))


def below_module():
    sections = [int(path.read_text("ascii"), 16) for path in (MODULE / "sections").iterdir()
                if path.name.startswith(".text")]
    size = int((MODULE / "coresize").read_text("ascii"))
    for one in knobs.values():
        one.below(min(sections), min(sections) + size)


def below_any_module():
    for one in knobs.values():
        one.below(*MODULES)


def everywhere():
    for one in knobs.values():
        one.below(0, (1 << 64) - 1)


class Armed:
    """Inside, the n-th allocation of this task fails; .hit says whether it came to that."""

    file = None

    def __init__(self, count):
        self.count = b"%d" % count
        self.hit = False

    def __enter__(self):
        os.pwrite(self.file, self.count, 0)
        return self

    def __exit__(self, *_):
        left = int(os.pread(self.file, 16, 0))
        os.pwrite(self.file, b"0", 0)
        self.hit = left == 0


class Walk:
    """Inside, with fire(), the n-th allocation below the module fails, whoever makes it: a work
    queue, a softirq. The kernel counts them from anywhere, but a fault leaves its count at a
    multiple of the interval: so with the same interval, the next fault is exactly the n-th."""

    def __init__(self, kind, count):
        self.knobs, self.count = knobs[kind], count

    def fire(self, attempt):
        """attempt() with a fault to come: whether it came."""
        self.knobs.set("interval", self.count)
        self.knobs.set("times", 1)
        self.knobs.set("probability", 100)
        try:
            attempt(self.hit)
            return self.hit()
        finally:
            self.knobs.set("probability", 0)

    def hit(self):
        return not self.knobs.get("times")


class Storm:
    """Inside, so many of a hundred allocations below the module fail, whoever makes them."""

    MOST = 1000000

    def __init__(self, kind, percent):
        self.knobs, self.percent = knobs[kind], percent

    def __enter__(self):
        self.knobs.set("interval", 1)
        self.knobs.set("times", self.MOST)
        self.knobs.set("probability", self.percent)
        return self

    def __exit__(self, *_):
        self.knobs.set("probability", 0)

    def faults(self):
        return self.MOST - self.knobs.get("times")


def start():
    """Before anything else; stop() ends it."""
    Armed.file = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
    # kmemleak notes each allocation in memory of its own, which is nobody else's
    kmemleak = function("__alloc_object")
    for kind in KINDS:
        knobs[kind] = Knobs(kind)
        knobs[kind].not_below(*kmemleak)


def stop():
    for one in knobs.values():
        one.set("probability", 0)

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""What the kernel has allocated, so that a test can say that it is no more than before.

memory.py save FILE
    What there is now.
memory.py same FILE OBJECTS
    Prints by how much that has grown, and exits with 1 if it did: of no size and kind of object may
    there be more than OBJECTS additional ones, nor 512 KiB more of what is counted in pages. What
    fills a slab a processor is forgiven, for the one it takes objects from counts as full, and
    what a kernel that tracks references keeps of them.
memory.py within FILE KIB
    The same while something goes on that needs memory itself: exits with 1 if it is more than that.
"""

import functools
import gzip
import json
import mmap
import os
import pathlib
import re
import socket
import sys
import time

from netns import namespace

CACHE = re.compile(r"kmalloc-(?:rnd-\d+-|cg-)?(\d+k?) |(skbuff_\w+|ip6?_dst_cache) ")
PAGES = ("SUnreclaim", "Percpu", "VmallocUsed")
# What else meminfo names. All that is left are pages that somebody took for himself.
NAMED = ("MemFree", "Buffers", "Cached", "SwapCached", "AnonPages", "SReclaimable", "PageTables",
         *PAGES)
SAME_KIB = 512
CONFIG = pathlib.Path("/proc/config.gz")
NETNS = pathlib.Path("/run/netns")

# Of each list of references a kernel that tracks them keeps so many that were given back, in
# objects of 32 bytes: net/core/dev.c, net/core/net_namespace.c.
QUARANTINE = 128


def caches():
    """The lines of slabinfo of the caches that the module's objects are in."""
    with open("/proc/slabinfo", encoding="ascii") as table:
        return [(line, match[1] or match[2]) for line in table if (match := CACHE.match(line))]


def shrink():
    """Else what processors keep half used counts as used; freed objects wait for RCU before."""
    time.sleep(2)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
    time.sleep(2)
    for line, _ in caches():
        path = pathlib.Path("/sys/kernel/slab", line.split()[0], "shrink")
        path.write_text("1", encoding="ascii")


def free_of_cpus():
    """KiB that processors have at hand: neither free nor used."""
    with open("/proc/zoneinfo", encoding="ascii") as table:
        return sum(int(line.split()[1]) for line in table
                   if line.lstrip().startswith("count:")) * mmap.PAGESIZE >> 10


@functools.cache
def has(option):
    """Whether the kernel is one of those that say what they have, and has it."""
    return CONFIG.exists() and f"CONFIG_{option}=y\n".encode() in gzip.decompress(
        CONFIG.read_bytes())


def pages():
    with open("/proc/meminfo", encoding="ascii") as table:
        fields = {name: int(value.split()[0]) for name, value in
                  (line.split(":") for line in table)}
    named = {name: fields[name] for name in PAGES}
    # Each process leaves some KiB of what KASAN knows of its stack, and they have no name
    if has("KASAN_VMALLOC"):
        return named
    return named | {"others": fields["MemTotal"] - sum(fields[name] for name in NAMED) -
                    free_of_cpus()}


def quarantined():
    """Objects at most in which the kernel remembers references that were given back: a list of them
    for each device, two for each network namespace. They fill as the devices are used."""
    if not has("REF_TRACKER"):
        return 0
    names = [path.name for path in NETNS.iterdir()] if NETNS.exists() else []
    lists = len(socket.if_nameindex()) + 2
    for name in names:
        with namespace(name):
            lists += len(socket.if_nameindex()) + 2
    return lists * QUARANTINE


def settled():
    """Objects by size or kind, and KiB of pages; shrunk before."""
    shrink()
    objects, forgiven = {}, {}
    for line, name in caches():
        _, active, _, _, in_slab = line.split()[:5]
        objects[name] = objects.get(name, 0) + int(active)
        forgiven[name] = int(in_slab) * os.cpu_count()
    forgiven["32"] += quarantined()
    return {"objects": objects, "forgiven": forgiven, "KiB": pages()}


def growth(before, after):
    return {kind: {name: count - before[kind].get(name, 0) for name, count in after[kind].items()
                   if count != before[kind].get(name, 0)} for kind in ("objects", "KiB")}


def grown_too_much(before, grown, objects):
    return {name: by for name, by in grown["objects"].items()
            if by > objects + before["forgiven"].get(name, 0)} | {
        name: by for name, by in grown["KiB"].items() if by > SAME_KIB}


def main(word, file, limit=0):
    file = pathlib.Path(file)
    if word == "save":
        file.write_text(json.dumps(settled()), encoding="ascii")
        return
    before = json.loads(file.read_text(encoding="ascii"))
    if word == "same":
        grown = growth(before, settled())
        print(grown)
        sys.exit(bool(grown_too_much(before, grown, int(limit))))
    grown = {name: kib - before["KiB"][name] for name, kib in pages().items()}
    print(grown)
    sys.exit(sum(grown.values()) > int(limit))


if __name__ == "__main__":
    main(*sys.argv[1:])

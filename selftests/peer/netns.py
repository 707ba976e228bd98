# SPDX-License-Identifier: GPL-2.0
"""Sockets in other network namespaces. Imports nothing large: under emulation that takes seconds."""

import contextlib
import ctypes
import math
import select

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

# Longer than anything takes here; never reached unless something is wrong.
PATIENCE = 30


@contextlib.contextmanager
def namespace(name):
    """Inside, sockets are made in the network namespace called name."""
    with open("/proc/self/ns/net", "rb") as here, open("/run/netns/" + name, "rb") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(here.fileno(), CLONE_NEWNET)


def is_readable(sock, seconds):
    """Whether there is something to read within that time."""
    # select() knows descriptors to 1023
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(math.ceil(max(seconds, 0) * 1000)))

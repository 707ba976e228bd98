# SPDX-License-Identifier: GPL-2.0
"""Processes that do something at once, as whoever they are to be."""

import ctypes
import os
import sys
import traceback

from netns import libc

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
NOBODY = 65534


def unshare(flags):
    if libc.unshare(flags):
        raise OSError(ctypes.get_errno(), "unshare")


def become_nobody():
    """No user, no group, no capability: until unshare() gives some in a namespace of our own."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def start(function, *arguments):
    """Run it in a process of its own: the process id."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        function(*arguments)
        status = 0
    except BaseException:  # pylint: disable=broad-except
        for line in traceback.format_exc().splitlines():
            print("#", line, flush=True)
    finally:
        os._exit(status)


def finish(*pids):
    """Wait for them; none may have failed."""
    failed = [pid for pid in pids if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
    assert not failed, f"{len(failed)} of {len(pids)} processes failed"


def together(*calls):
    """Each call is (function, arguments...)."""
    finish(*(start(*call) for call in calls))

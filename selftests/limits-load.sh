#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The limits that README.md lists of what waits for a processor, to the packet: one of two processors has
# no time for what waits for it.
# timeout: 600

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# has FILE VALUE: what a file of the kernel has until the story ends, if it is there
has() {
	[[ -e $1 ]] || return 0
	defer eval "echo $(<"$1") >$1"
	echo "$2" >"$1"
}

user_space_peer 4
# Strangers come from all of these
ip -n right route add local 198.18.0.0/15 dev lo
ip -n left route add 198.18.0.0/15 via "${outer4[right]}"
# Who has a real-time priority leaves no time to others; older kernels know the first, newer ones the second
has /proc/sys/kernel/sched_rt_runtime_us -1
has /sys/kernel/debug/sched/fair_server/cpu1/runtime 0
# Work that any processor may do is done by the second one, and nobody complains that it is not done soon
has /sys/devices/virtual/workqueue/cpumask 2
has /sys/module/workqueue/parameters/watchdog_thresh 0
as_peer limits_load.py

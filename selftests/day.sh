#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A day in the life of a tunnel: nothing is lost but with the network, and no memory.
# clock: long
# timeout: 120000

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# idle FILE VALUE: what the kernel does again and again for nothing is most of what a day without
# events costs the host
idle() {
	local before

	[[ -w $1 ]] || return 0
	before=$(<"$1")
	echo "$2" >"$1"
	defer eval "echo $before >$1"
}

idle /proc/sys/vm/compaction_proactiveness 0
idle /proc/sys/vm/stat_interval 3600
idle /proc/sys/vm/dirty_writeback_centisecs 0
idle /proc/sys/kernel/watchdog 0
idle /sys/kernel/debug/sched/fair_server/cpu0/runtime 0

# What is read from the host's disk for the first time takes long on this clock.
modprobe sch_netem 2>/dev/null || :
tunnel_pair 4
results day.py

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of every command fails once, one after another, and so do those of links and of
# the module: an error comes back, nothing has changed, and the next try works. Needs a kernel with
# fault injection.
# timeout: 900
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

if [[ ! -e /proc/self/fail-nth || ! -d /sys/kernel/debug/failslab ]]; then
	skip "allocations fail, one after another" "this kernel has no fault injection"
	exit
fi
# Where it is not, the next story has no module
defer modprobe toyvpn
ns left
modprobe toyvpn
results faults.py

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every allocation of handshakes and data fails once, one after another: packets are dropped, and
# the next ones go through. Needs a kernel with fault injection.
# timeout: 900
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

if [[ ! -e /proc/self/fail-nth || ! -d /sys/kernel/debug/failslab ]]; then
	skip "allocations fail, one after another" "this kernel has no fault injection"
	exit
fi
tunnel_pair 4
check "before" reach left right
results tunnel_faults.py
check "afterwards" reach left right

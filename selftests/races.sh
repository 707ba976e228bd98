#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Peers, keys, routes, ports, links, namespaces and the module come and go at once, under traffic:
# SEED= repeats a run as far as the scheduler lets it, ROUNDS= makes it longer.
# timeout: 900
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# unloaded: whatever the races left, the module goes
unloaded() {
	rmmod toyvpn
	[[ ! -e /sys/module/toyvpn ]]
}

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
# A slow kernel gets fewer
rounds=${ROUNDS:-$(amount 500)}
diag "SEED=$seed ROUNDS=$rounds, $(nproc) CPU"
tunnel_pair 4
ns away
for netns in left right; do
	echo "${key[$netns]}" >"$tmp/$netns.pub"
done
check "before" reach left right
results races.py "$seed" "$rounds" "$tmp"
check "the module is removed" unloaded
del_ns left
del_ns right
check "and loaded" modprobe toyvpn
tunnel_pair 4
check "a fresh tunnel works" reach left right

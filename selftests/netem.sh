#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Networks that lose, delay, reorder, duplicate and damage what they carry.
# timeout: 300

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# network WORDS...: what both directions of the cable do from now on
network() {
	on left tc qdisc replace dev eth0 root netem "$@"
	on right tc qdisc replace dev eth0 root netem "$@"
}

# through TITLE WORDS...: TCP arrives whole, UDP whole or not at all, and never twice
through() {
	local title=$1

	shift
	check "$title" network "$@"
	check "$title: a session is made" wait_for 30 on left ping -c 1 -W 2 "${inner4[right]}"
	check "$title: TCP arrives whole" traffic.py tcp left right "${inner4[right]}" 200000
	check "$title: UDP arrives whole, once or never" \
		traffic.py lossy left "${inner6[left]}" right "${inner6[right]}" 200 1200
}

tunnel_pair 4
# ARP has no checksum: what is damaged of it would be believed
for netns in left right; do
	[[ $netns == left ]] && other=right || other=left
	ip -n "$netns" neigh replace "${outer4[$other]}" dev eth0 nud permanent \
		lladdr "$(on "$other" cat /sys/class/net/eth0/address)"
done
through "loss of 3 %" loss 3% limit 5000
through "reordering" delay 5ms reorder 30% 50% limit 5000
through "jitter" delay 10ms 8ms limit 5000
before=$(counter right rx_drop_replay)
through "duplication" duplicate 20% limit 5000
check "duplicates were recognized" grown right rx_drop_replay "$before"
through "corruption" corrupt 3% limit 5000
through "all at once" delay 4ms 3ms loss 1% duplicate 3% corrupt 1% limit 5000

# UDP's checksum hides such damage from the tunnel. So change a byte where it is not computed yet:
# the 44th of each data message whose counter ends in 0, seen from the outer IP header.
damage() {
	on left ethtool -K eth0 tx-udp-segmentation off
	on right tc qdisc add dev eth0 clsact
	on right tc filter add dev eth0 ingress protocol ip u32 \
		match ip protocol 17 0xff match u8 4 0xff at 28 match u8 0 0x0f at 36 \
		action pedit munge offset 72 u8 invert
}

check "a clean network again" network limit 5000
check "damage that no checksum shows" damage
before=$(counter right rx_drop_authentication)
check "such damage: TCP arrives whole" traffic.py tcp left right "${inner4[right]}" 200000
check "such damage: UDP arrives whole, once or never" \
	traffic.py lossy left "${inner4[left]}" right "${inner4[right]}" 200 1200
check "it was recognized" grown right rx_drop_authentication "$before"

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

# watch: what crosses at right, whatever becomes of links and their counters
watch() {
	on right nft -f - <<-EOF
	table inet watch {
		counter answers { }
		counter data { }
		chain input {
			type filter hook input priority 0
			iifname eth0 meta l4proto udp @th,64,8 2 counter name answers
			iifname vpn0 udp dport 9 counter name data
		}
		chain output {
			type filter hook output priority 0
			oifname eth0 meta l4proto udp @th,64,8 2 counter name answers
		}
	}
	EOF
}

# crossed COUNTER: how often
crossed() {
	on right nft -j list counter inet watch "$1" | jq '.nftables[] | .counter? | select(.) | .packets'
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
watch
results races.py "$seed" "$rounds" "$tmp"
answers=$(crossed answers) data=$(crossed data)
check "handshakes went on meanwhile: $answers were answered" test "$answers" -ge $((rounds / 20))
check "and so did traffic: $data packets came to right" test "$data" -ge "$rounds"
check "the module is removed" unloaded
del_ns left
del_ns right
check "and loaded" modprobe toyvpn
tunnel_pair 4
check "a fresh tunnel works" reach left right

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Netlink messages by the thousand that are nearly right: SEED= repeats a run, N= makes it longer.
# timeout: 900
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# valid_after: what was fuzzed is given a right configuration, and carries packets
valid_after() {
	local netns other

	on left toyvpnctl set fuzz0 private-key "$tmp/left.key" listen-port 51821 fwmark 0 ciphers default
	ip -n right link add fuzz0 type toyvpn
	on right toyvpnctl set fuzz0 private-key "$tmp/right.key" listen-port 51821
	for netns in left right; do
		[[ $netns == left ]] && other=right || other=left
		on "$netns" toyvpnctl set fuzz0 peer "${key[$other]}" \
			endpoint "${outer4[$other]}:51821" allowed-ips 10.99.0.0/24
	done
	addr left fuzz0 10.99.0.1/24
	addr right fuzz0 10.99.0.2/24
	ip -n right link set fuzz0 up
	pings left 10.99.0.2
	pings right 10.99.0.1
}

seed=${SEED:-20261122}
messages=${N:-$(amount 10000)}
diag "SEED=$seed N=$messages"
tunnel_pair 4
check "an honest tunnel works" reach left right
background traffic.py until-told left "${inner4[left]}" right "${inner4[right]}" 20 >"$tmp/honest" 2>&1
honest=$!
defer kill_and_wait "$honest"
ip -n left link add fuzz0 type toyvpn
ip -n left link set fuzz0 up
results on left fuzz_netlink.py "$seed" "$messages"
# Not within check, whose shell cannot wait for it. It waits for what is on its way.
status=0
kill "$honest"
wait "$honest" || status=$?
diag "$(<"$tmp/honest")"
check_equal "the honest tunnel lost nothing" 0 "$status"
check "a valid configuration works afterwards" valid_after
check "and so does the honest tunnel" reach left right

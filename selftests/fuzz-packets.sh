#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A peer with valid keys sends what is broken, at every layer. An honest peer of the same link loses
# nothing meanwhile. FUZZ_MESSAGES and FUZZ_SEED say how many messages, and which.
# timeout: 900
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# tcp_again_and_again: one connection after another, until the file $tmp/enough is there
tcp_again_and_again() {
	until [[ -e $tmp/enough ]]; do
		traffic.py tcp honest left "${inner4[left]}" 100000 || return
		sleep 5
	done
}

export FUZZ_MESSAGES=${FUZZ_MESSAGES:-$(amount 200000)} FUZZ_SEED=${FUZZ_SEED:-toyvpn}
diag "$FUZZ_MESSAGES messages, seed $FUZZ_SEED"
user_space_peer 4
honest
# What is left of broken fragments does not stay for longer than this
on left sysctl -qw net.ipv4.ipfrag_time=2 net.ipv6.ip6frag_time=2
check "an honest peer" pings honest "${inner4[left]}"
began=$SECONDS before=$(sessions honest)
traffic.py until-told honest 10.9.0.9 left "${inner4[left]}" 20 >"$tmp/udp" 2>&1 &
udp=$!
tcp_again_and_again >"$tmp/tcp" 2>&1 &
tcp=$!
defer kill_and_wait "$udp"
defer kill_and_wait "$tcp"

as_peer fuzz.py 4 "${key[honest]}"

touch "$tmp/enough"
kill "$udp"
for one in udp tcp; do
	status=0
	wait "${!one}" || status=$?
	diag "honest $(tail -n 3 "$tmp/$one")"
	check_equal "the honest peer's ${one^^} arrived whole" 0 "$status"
done
renewed=$(($(sessions honest) - before)) limit=$(((SECONDS - began) / 120 + 1))
check "its session was renewed when it was due, not more often: $renewed times" \
	test "$renewed" -le "$limit"
check "and it is connected" shown_is left honest state connected

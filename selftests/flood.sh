#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server under floods: by somebody who knows its public key, and by one who sees its traffic.
# Here is what holds however fast a machine is; bench/flood.sh measures the rest.
# timeout: 900

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"
. "$selftests/floods.sh"

# KiB that a flood may take while it lasts: 1,024 handshake messages that wait, of at most 3 KiB
# each with all that belongs to them, a thousand packets that wait for each processor, what the
# flooder has under way, and as much again for what the rest of the system does meanwhile. A flood
# of minutes that stayed in memory would take more each few seconds.
memory_meanwhile=16384

# Objects of a size or kind that may be more after all floods than before. A flood has thousands of
# messages; if something of each stayed, it would show here many times over.
objects_left=200

# known: the peers of right, and where they are
known() {
	on right toyvpnctl show vpn0 dump | tail -n +2 | cut -f1,3,4
}

# gets_through: new makes a session. A flood may cost a packet.
gets_through() {
	local ms

	for _ in 1 2 3; do
		ms=$(new_handshake) || :
		[[ -z $ms ]] || return 0
	done
	return 1
}

# asked_for_cookie: new makes a session under load, which takes a cookie. A flood that has just
# emptied its share of the queue may let it through without one.
asked_for_cookie() {
	for _ in {1..20}; do
		gets_through
		(($(counter new handshake_cookies_received) == 0)) || return 0
	done
	return 1
}

# all_grow COUNTERS BEFORE...: until each of right's counters is larger than it was
all_grow() {
	local name

	for name; do
		wait_for 30 grown right "$name" "${before[$name]}" || {
			echo "$name is still ${before[$name]}"
			return 1
		}
	done
}

# under KIND COUNTERS...: what holds under a flood, which right counts there
under() {
	local kind=$1 name
	local -A before

	shift
	for name; do
		before[$name]=$(counter right "$name")
	done
	flood "$kind"
	check "$kind: it is counted: $*" all_grow "$@"
	check "$kind: memory is bounded" memory.py within "$tmp/memory" "$memory_meanwhile"
	check "$kind: TCP crosses the tunnel, whole" \
		traffic.py tcp left right "${inner4[right]}" 100000
	check "$kind: what crosses of UDP is whole and there once" \
		traffic.py lossy left "${inner4[left]}" right "${inner4[right]}" 100 1000
	check "$kind: a new handshake completes" gets_through
	[[ $kind != init ]] || check "$kind: also with a cookie" asked_for_cookie
	check "$kind: memory still is" memory.py within "$tmp/memory" "$memory_meanwhile"
	calm
	diag "$flooded messages a second"
	check_equal "$kind: right knows whom it knew" "$peers" "$(known)"
}

flood_network toyvpn
spawn on left ping -q -i 0.05 "${inner4[right]}" >/dev/null
check "before: a session" traffic.py tcp left right "${inner4[right]}" 100000
check "before: a new handshake" gets_through
flood init
calm
peers=$(known)
check_equal "before: two peers" 2 "$(wc -l <<<"$peers")"
memory.py save "$tmp/memory"

under init handshake_cookies_sent
under garbage rx_drop_malformed rx_drop_unknown_session handshake_drop_mac1
under cookie rx_drop_unknown_session handshake_drop_authentication
under replay rx_drop_replay
under forged rx_drop_authentication

made=$(($(sessions left) + $(sessions new)))
check "no session but those of left and new" test "$(sessions right)" -le "$made"
check "memory is what it was" memory.py same "$tmp/memory" "$objects_left"

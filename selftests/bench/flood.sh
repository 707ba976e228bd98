#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # variables of lib.sh and floods.sh
# What a flood leaves of a tunnel, side by side with WireGuard in the same guest: make flood.
#
# The flooders (see peer/flood.py) are as many as there are processors and never rest, so the machine
# has all that it can take. For each kind of flood and each protocol: how many messages a second it
# was; Mbit/s of TCP in a tunnel that was there before, without and under the flood, by turns, the
# median of each; the milliseconds until the first packet through a new tunnel is answered, without
# the flood, and under it the median and the longest.

here=$(dirname "${BASH_SOURCE[0]}")
kinds=(init garbage cookie replay forged)
turns=3 seconds=2 handshakes=5

# tcp: Mbit/s from left to right
tcp() {
	on left timeout 60 iperf3 -c "${inner4[right]}" -t "$seconds" -J |
		jq '.end.sum_received.bits_per_second / 1e6 * 10 | round / 10'
}

# median NUMBERS...
median() {
	printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"
}

row() {
	printf '%-8s %-10s %10s %8s %8s %6s %8s %8s %8s\n' "$@"
}

# measure KIND PROTOCOL: a row of the table, to file descriptor 3
measure() {
	local without=() under=() times=() alone i

	flood_network "$2"
	spawn on right iperf3 -s >/dev/null
	spawn on left ping -q -i 0.05 "${inner4[right]}" >/dev/null
	wait_for 30 on left timeout 5 iperf3 -c "${inner4[right]}" -n 1000
	new_handshake >/dev/null
	alone=$(new_handshake)
	flood "$1" "$(nproc)"
	for ((i = 0; i < turns; i++)); do
		kill -STOP "${flooders[@]}"
		without+=("$(tcp)")
		kill -CONT "${flooders[@]}"
		under+=("$(tcp)")
	done
	for ((i = 0; i < handshakes; i++)); do
		times+=("$(new_handshake)")
	done
	calm
	without=("$(median "${without[@]}")")
	under=("$(median "${under[@]}")")
	row "$1" "$2" "$flooded" "${without[0]}" "${under[0]}" \
		"$(jq -n "${under[0]} / ${without[0]} * 100 | round")%" \
		"$alone" "$(median "${times[@]}")" "$(printf '%s\n' "${times[@]}" | sort -n | tail -n 1)" >&3
	ok "$*"
}

table() {
	local kind protocol

	echo "Linux $(uname -r), $(nproc) CPU"
	row '' '' '' 'TCP,' Mbit/s '' 'new' 'tunnel,' ms
	row flood protocol messages/s without under of without under longest
	for kind in "${kinds[@]}"; do
		for protocol in toyvpn wireguard; do
			"$here/flood.sh" "$kind" "$protocol" 3>&1 >"$log" 2>&1 || {
				row "$kind" "$protocol" failed
				tail -n 20 "$log"
				failed=1
			}
		done
	done
}

if (($#)); then
	# shellcheck source=selftests/lib.sh
	. "$here/../lib.sh"
	# shellcheck source=selftests/net.sh
	. "$selftests/net.sh"
	# shellcheck source=selftests/floods.sh
	. "$selftests/floods.sh"
	measure "$@"
	exit
fi

log=$(mktemp) failed=0
table
rm "$log"
exit "$failed"

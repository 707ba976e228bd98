#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Replay, forgery and broken messages from a peer in user space that knows the protocol and has
# valid keys. An honest peer of the same link loses nothing meanwhile.
# timeout: 400

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# honest: a peer of left with a module of its own
honest() {
	ns honest
	veth_pair honest eth0 left honest
	addr honest eth0 203.0.113.2/24
	addr left honest 203.0.113.1/24
	vpn_link honest
	on honest toyvpnctl set vpn0 peer "${key[left]}" endpoint "203.0.113.1:$port" \
		allowed-ips "${inner4[left]}/32"
	on left toyvpnctl set vpn0 peer "${key[honest]}" allowed-ips 10.9.0.9/32
	addr honest vpn0 10.9.0.9/24
	ip -n honest link set vpn0 up
}

user_space_peer 4
honest
check "an honest peer" pings honest "${inner4[left]}"
spawn on honest ping -q -i 0.2 "${inner4[left]}" >"$tmp/ping"
pinger=$!
as_peer replay.py
kill -INT "$pinger"
wait "$pinger" || :
check "the honest peer lost nothing" grep ' 0% packet loss' "$tmp/ping"
check "and is connected" shown_is left honest state connected

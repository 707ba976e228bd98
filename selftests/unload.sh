#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Links, peers, keys, namespaces and the module itself go while traffic is at its heaviest.
# timeout: 400
# debug: yes
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# load: all that goes through the tunnel, from both sides, until stop
load() {
	local netns other

	pids=()
	for netns in left right; do
		other=left
		[[ $netns != left ]] || other=right
		background on "$netns" ping -q -f -s 1300 "${inner4[$other]}" >/dev/null 2>&1
		pids+=($!)
		background on "$netns" iperf3 -c "${inner6[$other]}" -t 60 --connect-timeout 3000 \
			>/dev/null 2>&1
		pids+=($!)
	done
	sleep 1
}

servers() {
	local netns

	for netns in left right; do
		spawn on "$netns" iperf3 -s >/dev/null 2>&1
	done
}

stop() {
	local pid

	for pid in "${pids[@]}"; do
		kill_and_wait "$pid"
	done
}

# again: a tunnel between the two namespaces, which are there
again() {
	local netns other

	for netns in left right; do
		vpn_link "$netns"
	done
	for netns in left right; do
		other=left
		[[ $netns != left ]] || other=right
		on "$netns" toyvpnctl set vpn0 peer "${key[$other]}" endpoint "$(endpoint 4 "$other")" \
			allowed-ips "${inner4[$other]}/32,${inner6[$other]}/128"
		addr "$netns" vpn0 "${inner4[$netns]}/24" "${inner6[$netns]}/64"
		ip -n "$netns" link set vpn0 up
	done
}

# loaded CMD...: CMD in the midst of load; a function of check, which runs in a shell of its own
loaded() {
	load
	trap stop EXIT
	"$@"
}

unload() {
	rmmod toyvpn
	[[ ! -e /sys/module/toyvpn ]]
	[[ -z $(ip -n left link show type toyvpn 2>/dev/null) ]]
}

renew_keys() {
	local i

	for i in 1 2 3; do
		toyvpnctl genkey >"$tmp/new"
		on left toyvpnctl set vpn0 private-key "$tmp/new"
		on left toyvpnctl set vpn0 private-key "$tmp/left.key"
	done
}

remove_peers() {
	local i

	for i in 1 2 3; do
		on left toyvpnctl set vpn0 peer "${key[right]}" remove
		on left toyvpnctl set vpn0 peer "${key[right]}" endpoint "$(endpoint 4 right)" \
			allowed-ips "${inner4[right]}/32,${inner6[right]}/128"
	done
}

change_ports() {
	local i

	for i in 5000 5001 "$port"; do
		on left toyvpnctl set vpn0 listen-port "$i"
	done
}

bounce() {
	local i

	for i in 1 2 3; do
		ip -n left link set vpn0 down
		ip -n left link set vpn0 up
	done
	addr left vpn0 "${inner6[left]}/64"
}

outside
servers
again
check "before" reach left right
check "private key changed under load" loaded renew_keys
check "packets cross" goes left "${inner4[right]}"
check "peer removed and made under load" loaded remove_peers
check "packets cross" goes left "${inner4[right]}"
check "port changed under load" loaded change_ports
check "packets cross" goes left "${inner4[right]}"
check "link down and up under load" loaded bounce
check "packets cross" goes left "${inner4[right]}"
for round in 1 2 3; do
	check "round $round: link deleted under load" loaded ip -n left link del vpn0
	ip -n right link del vpn0
	again
	check "round $round: packets cross" goes left "${inner6[right]}"
	check "round $round: module unloaded under load" loaded unload
	check "round $round: and loaded" modprobe toyvpn
	again
	check "round $round: packets cross" goes right "${inner4[left]}"
done

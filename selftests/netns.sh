#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The link moves between namespaces while its UDP socket stays where it was made; namespaces go.
# timeout: 300
# debug: yes
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# move FROM TO: left's link and its addresses, which the kernel takes off when a link moves
move() {
	ip -n "$1" link set vpn0 netns "$2"
	addr "$2" vpn0 "${inner4[left]}/24" "${inner6[left]}/64"
	ip -n "$2" link set vpn0 up
}

only_way_out() {
	[[ $(ip -n box -o link show up | wc -l) == 2 ]]
	pings box "${inner4[right]}"
	pings box "${inner6[right]}"
}

not_in() {
	! ip -n "$1" link show vpn0
}

socket_in() {
	on "$1" ss -Huln "sport = :$2" | grep ":$2"
}

no_socket_in() {
	! socket_in "$@"
}

# under_load ADDRESS CMD...: while right sends to that address through the tunnel, and is answered
under_load() {
	background on right ping -q -f -s 1000 "$1" >/dev/null 2>&1
	load=$!
	trap 'kill_and_wait "$load"' EXIT
	shift
	sleep 0.5
	"$@"
}

# third: a namespace with a tunnel to right, from which the link moves to box before it ends
third() {
	ns uplink
	veth_pair uplink eth0 right eth1
	addr uplink eth0 203.0.113.1/24
	addr right eth1 203.0.113.2/24
	vpn_link uplink
	on uplink toyvpnctl set vpn0 peer "${key[right]}" endpoint "203.0.113.2:$port" \
		allowed-ips "${inner4[right]}/32"
	on right toyvpnctl set vpn0 peer "${key[uplink]}" allowed-ips 10.9.0.3/32
	ip -n uplink link set vpn0 netns box name vpn1
	addr box vpn1 10.9.0.3/32
	ip -n box link set vpn1 up
	ip -n box route add "${inner4[right]}" dev vpn1
}

# orphan: what the link without its socket's namespace can still do: answer, and go
orphan() {
	# A namespace ends some time after it was deleted
	wait_for 30 no_ping box "${inner4[right]}"
	on box toyvpnctl show vpn1
	ip -n box -d link show vpn1
	ip -n box link del vpn1
}

tunnel_pair 4
check "before" reach left right
ns box
check "the link moves" move left box
check "it is not where it was" not_in left
check "its socket is" socket_in left "$port"
check "and nowhere else" no_socket_in box "$port"
check "it is the only way out of its namespace" only_way_out
check "from the other side, too" pings right "${inner4[left]}"
check "TCP" traffic.py tcp box right "${inner4[right]}" 300000
check "its port can be changed where it is" on box toyvpnctl set vpn0 listen-port 4444
check "the new socket is at the same place" socket_in left 4444
check "the old one is gone" no_socket_in left "$port"
check "packets cross" pings box "${inner4[right]}"
check "and home again" move box left
check "packets cross at home" reach left right
check "it moves under load" under_load "${inner4[left]}" move left box
check "packets cross afterwards" only_way_out

check "its namespace is deleted under load" under_load "${inner4[left]}" ip netns del box
check "the link goes with it" wait_for 30 no_socket_in left 4444
check "a new one can be made" on left bash -c "
	ip link add vpn0 type toyvpn &&
	toyvpnctl set vpn0 private-key $tmp/left.key listen-port 4444 peer ${key[right]} \
		endpoint $(endpoint 4 right) allowed-ips ${inner4[right]}/32 &&
	ip addr add ${inner4[left]}/24 dev vpn0 && ip link set vpn0 up"
check "packets cross" pings left "${inner4[right]}"

ns box
third
check "a link from a third namespace" pings box "${inner4[right]}"
check "that namespace is deleted under load" under_load 10.9.0.3 ip netns del uplink
check "the link is still there, and can go" orphan
check "packets of others cross" pings left "${inner4[right]}"

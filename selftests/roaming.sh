#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Peers that move, and peers behind a router that masquerades and forgets.
# clock: virtual
# timeout: 1200

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# moves NS ADDRESS/LENGTH: its only IPv4 address outside from now on
moves() {
	ip -n "$1" -4 addr flush dev eth0
	addr "$1" eth0 "$2"
}

# Both on a network, each in turn at another address. The other one learns it from traffic.
roam() {
	tunnel_pair 4
	check "at home" reach left right
	moves left 192.0.2.11/24
	check "left moved: it reaches right" pings left "${inner4[right]}"
	check "right follows" shows right left endpoint "192.0.2.11:$port"
	check "and reaches it" pings right "${inner4[left]}"
	moves right 192.0.2.22/24
	check "right moved: it reaches left" pings right "${inner4[left]}"
	check "left follows" shows left right endpoint "192.0.2.22:$port"
	check "and reaches it" reach left right
	on left toyvpnctl set vpn0 listen-port 4444
	check "left has another port: it reaches right" pings left "${inner4[right]}"
	check "right follows the port" shows right left endpoint "192.0.2.11:4444"
	before=$(sessions left)
	moves left 192.0.2.1/24
	moves right 192.0.2.2/24
	on left toyvpnctl set vpn0 peer "${key[right]}" endpoint "192.0.2.2:$port"
	check "both moved, one is told" reach left right
	check_equal "no new session was needed for it" "$before" "$(sessions left)"
}

# home -- router -- left (of the pair above, as the server): home is behind NAT
network_with_nat() {
	ns home router
	veth_pair home eth0 router lan
	veth_pair router wan left wan
	addr home eth0 10.1.0.2/24
	addr router lan 10.1.0.1/24
	addr router wan 198.51.100.9/24
	addr left wan 198.51.100.1/24
	ip -n home route add default via 10.1.0.1
	forwarding router
	on router nft -f - <<-EOF
	table ip nat {
		chain postrouting {
			type nat hook postrouting priority srcnat
			oifname wan masquerade random
		}
	}
	EOF
	on router sysctl -qw net.netfilter.nf_conntrack_udp_timeout=10 \
		net.netfilter.nf_conntrack_udp_timeout_stream=10
	on left toyvpnctl set vpn0 listen-port "$port"
	vpn_link home
	on home toyvpnctl set vpn0 peer "${key[left]}" allowed-ips "${inner4[left]}/32" \
		endpoint "198.51.100.1:$port"
	on left toyvpnctl set vpn0 peer "${key[home]}" allowed-ips 10.9.0.77/32
	addr home vpn0 10.9.0.77/24
	ip -n home link set vpn0 up
}

keepalive() {
	on home toyvpnctl set vpn0 peer "${key[left]}" persistent-keepalive "$1"
}

# idle SECONDS: nothing is sent by users; afterwards the server sends first
idle() {
	pass "$1"
	pings left 10.9.0.77
}

# new_address: the router gets another one and forgets its connections
new_address() {
	ip -n router addr flush dev wan
	addr router wan 198.51.100.200/24
	on router conntrack -F
	pass 12
	pings left 10.9.0.77
	[[ $(shown left home endpoint) == 198.51.100.200:* ]]
}

roam
network_with_nat
check "from behind NAT" pings home "${inner4[left]}"
check "and back, while the router remembers" pings left 10.9.0.77
pass 60
check "the router forgot: the server does not get through" no_ping left 10.9.0.77
check "the client does, and then the server" pings home "${inner4[left]}"
check "the client has another port on the router by now" pings left 10.9.0.77
check "persistent keepalive" keepalive 5
pass 10
check "with it, the server gets through after a minute" idle 60
check "and after ten" idle 600
check "the router gets another address" new_address
check "keepalive off" keepalive off
pass 60
check "without it, the server does not get through" no_ping left 10.9.0.77

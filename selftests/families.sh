#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Ping, TCP and UDP in all combinations of inner and outer address family.
# timeout: 300
# debug: yes
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# all WHAT: every kind of traffic by both inner families
all() {
	local name i

	for name in inner4 inner6; do
		local -n ip=$name
		[[ $name == inner4 ]] && i=IPv4 || i=IPv6
		check "ping, $i $1" pings left "${ip[right]}"
		check "ping back, $i $1" pings right "${ip[left]}"
		check "TCP, $i $1" traffic.py tcp left right "${ip[right]}" 300000
		check "UDP, $i $1" traffic.py udp left "${ip[left]}" right "${ip[right]}" 100 1000
	done
}

# move_to LEFT RIGHT: endpoints of which the tunnel is to make use from now on
move_to() {
	on left toyvpnctl set vpn0 peer "${key[right]}" endpoint "$2"
	on right toyvpnctl set vpn0 peer "${key[left]}" endpoint "$1"
}

# link_local NS: its address on eth0 with the scope
link_local() {
	ip -n "$1" -6 -br addr show dev eth0 scope link | grep -o 'fe80::[0-9a-f:]*'
}

only_ipv6() {
	ip -n left addr del "${outer4[left]}/24" dev eth0
	ip -n right addr del "${outer4[right]}/24" dev eth0
	reach left right
}

tunnel_pair 4
all "over IPv4"
move_to "$(endpoint 6 left)" "$(endpoint 6 right)"
all "over IPv6"
check_equal "the peer's endpoint is the IPv6 one" "$(endpoint 6 right)" \
	"$(shown left right endpoint)"
check "nothing of it needs IPv4 outside" only_ipv6
move_to "[$(link_local left)%eth0]:$port" "[$(link_local right)%eth0]:$port"
check "a link-local endpoint works" reach left right
check_equal "and is shown with its scope" "[$(link_local right)%eth0]:$port" \
	"$(shown left right endpoint)"

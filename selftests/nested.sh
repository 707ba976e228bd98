#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tunnels, each with its endpoint inside of the one before: as many as README.md says work, and of one
# more its owner is told why it does not. Tunnels that lead into each other end.
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# inside N NS: the address of a namespace inside of vpnN
inside() {
	echo "10.9.$1.${outer4[$2]##*.}"
}

# nest N: vpnN between left and right, inside of the one before
nest() {
	local n=$1 port=$((51820 + $1)) netns other

	for netns in left right; do
		[[ $netns == left ]] && other=right || other=left
		vpn_link "$netns" "vpn$n"
		on "$netns" toyvpnctl set "vpn$n" peer "${key[$other]}" \
			endpoint "$(inside $((n - 1)) "$other"):$port" allowed-ips "$(inside "$n" "$other")/32"
		addr "$netns" "vpn$n" "$(inside "$n" "$netns")/24"
		ip -n "$netns" link set "vpn$n" up
	done
}

# reason LINK: why left's peer on that link has no session
reason() {
	on left toyvpnctl show "$1" --json | jq -r '.[0].peers[0].reason'
}

reason_is() {
	[[ $(reason "$1") == "$2" ]]
}

# endless: vpn0 is to go through vpn1, which goes through vpn0. What they send meanwhile ends, and is
# counted.
endless() {
	local before

	ip -n left route add 192.0.2.2/32 dev vpn1
	on left toyvpnctl set vpn1 peer "${key[right]}" allowed-ips +192.0.2.2/32
	before=$(counter left tx_drop_route_loop)
	no_ping left "$(inside 0 right)"
	grown left tx_drop_route_loop "$before"
}

tunnel_pair 4
check "one tunnel" pings left "$(inside 0 right)"
nest 1
check "a tunnel in it" pings left "$(inside 1 right)"
nest 2
check "a tunnel in that" pings left "$(inside 2 right)"
check "what fills packets crosses all three" traffic.py tcp left right "$(inside 2 right)" 100000
check_equal "nothing was dropped" "0 0" \
	"$(counter left tx_drop_route_loop) $(counter right tx_drop_route_loop)"
nest 3
check "nothing crosses a fourth one" counts left tx_drop_route_loop no_ping left "$(inside 3 right)"
check "which says why" wait_for 10 reason_is vpn3 route-loop
check_equal "while the others are as they were" "none none none" "$(reason vpn0) $(reason vpn1) $(reason vpn2)"
check "the third one still works" pings left "$(inside 2 right)"
check "two that lead into each other end" endless
check "and the one that was used says why" wait_for 10 reason_is vpn0 route-loop

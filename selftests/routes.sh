#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Cryptokey routing: which peer gets a packet and which may have sent one; and the way outside.
# timeout: 300

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# third: another peer of left, like right
third() {
	ns third
	veth_pair left third third eth0
	addr left third 203.0.113.1/24
	addr third eth0 203.0.113.2/24
	vpn_link third
	on left toyvpnctl set vpn0 peer "${key[third]}" endpoint "203.0.113.2:$port" allowed-ips 10.9.0.3/32
	on third toyvpnctl set vpn0 peer "${key[left]}" endpoint "203.0.113.1:$port" \
		allowed-ips 0.0.0.0/0,::/0
	addr third vpn0 10.9.0.3/24 fd09::3/64
	ip -n third link set vpn0 up
	on right toyvpnctl set vpn0 peer "${key[left]}" allowed-ips 0.0.0.0/0,::/0
}

# both_have ADDRESS...: right and third both answer to it; where it goes tells the route
both_have() {
	local netns address

	for netns in right third; do
		for address; do
			addr "$netns" lo "$address"
		done
	done
}

# goes_to NS ADDRESS: a ping is answered by that peer, which says so by a counter of its own
goes_to() {
	local before

	before=$(received "$1")
	pings left "$2"
	(($(received "$1") >= before + 3))
}

received() {
	ip -n "$1" -j -s link show vpn0 | jq '.[0].stats64.rx.packets'
}

# allow NS WORDS...: allowed IPs of left's peer
allow() {
	on left toyvpnctl set vpn0 peer "${key[$1]}" allowed-ips "$2"
}

# refused NS ADDRESS: the sender is told at once, by an error of its own or by ICMP
refused() {
	local output

	output=$(on "$1" ping -c 1 -W 5 "$2" 2>&1) && return 1
	echo "$output"
	grep -qiE "required key not available|unreachable|destination address required" <<<"$output"
}

# reason_for_people NS TEXT
reason_for_people() {
	on "$1" toyvpnctl show vpn0 | grep -i "$2"
}

wrong_source() {
	addr third vpn0 198.51.100.99/32
	no_ping third "${inner4[left]}" -I 198.51.100.99
	ip -n third addr del 198.51.100.99/32 dev vpn0
}

# into_itself: the only route to the peer leads through the tunnel to it
into_itself() {
	local before sent

	on left toyvpnctl set vpn0 peer "${key[right]}" allowed-ips "${inner4[right]}/32,192.0.2.0/24"
	ip -n left route del 192.0.2.0/24
	ip -n left route add 192.0.2.0/24 dev vpn0
	before=$(counter left tx_drop_route_loop)
	sent=$(transmitted)
	no_ping left "${inner4[right]}"
	grown left tx_drop_route_loop "$before"
	# A loop would count without end.
	(($(transmitted) - sent < 20))
}

transmitted() {
	ip -n left -j -s link show vpn0 | jq '.[0].stats64.tx | .packets + .dropped + .errors'
}

mend() {
	ip -n left route del 192.0.2.0/24 dev vpn0
	ip -n left route add 192.0.2.0/24 dev eth0
	goes left "${inner4[right]}"
}

# policy: everything through the tunnel except for what the mark says is the tunnel's own
policy() {
	on left toyvpnctl set vpn0 fwmark 0xca6c
	on left toyvpnctl set vpn0 peer "${key[right]}" allowed-ips 0.0.0.0/0,::/0
	ip -n left route add default dev vpn0 table 51820
	ip -n left rule add not fwmark 0xca6c table 51820
	ip -n left rule add table main suppress_prefixlength 0
	ip -n left route del 192.0.2.0/24 dev eth0
	ip -n left route add default via 192.0.2.2 dev eth0 onlink
	on left nft -f - <<-EOF
	table inet watch {
		counter marked { }
		counter bare { }
		chain output {
			type filter hook output priority 0
			oifname eth0 udp dport $port meta mark 0xca6c counter name marked
			oifname eth0 udp dport $port meta mark != 0xca6c counter name bare
		}
	}
	EOF
	pings left 198.51.100.7
	pings left "${inner4[right]}"
	(($(nft_counter marked) > 0 && $(nft_counter bare) == 0))
}

nft_counter() {
	on left nft -j list counter inet watch "$1" | jq '.nftables[] | .counter? | select(.) | .packets'
}

# sticky: right has several addresses; it answers from the one that left talks to
sticky() {
	ip -n left route flush table 51820
	ip -n left rule del table 51820
	addr right eth0 192.0.2.50/24
	ip -n right route replace 192.0.2.0/24 dev eth0 src 192.0.2.2
	on left toyvpnctl set vpn0 peer "${key[right]}" endpoint "192.0.2.50:$port"
	pings left "${inner4[right]}"
	[[ $(shown left right endpoint) == "192.0.2.50:$port" ]]
	# Also when right sends first.
	pings right "${inner4[left]}"
	[[ $(shown left right endpoint) == "192.0.2.50:$port" ]]
}

tunnel_pair 4
third
check "a third host" pings third "${inner4[left]}"
both_have 198.51.100.7/32 198.51.100.200/32 2001:db8:7::7/128
ip -n left route add 198.51.100.0/24 dev vpn0
ip -n left route add 2001:db8:7::/48 dev vpn0

check "no peer has the address: the sender is told, IPv4" refused left 198.51.100.7
check "no peer has the address: the sender is told, IPv6" refused left 2001:db8:7::7
check "and it is counted" counts left tx_drop_no_peer_for_address refused left 198.51.100.7
allow right "+198.51.100.0/24"
check "a peer has it" goes_to right 198.51.100.7
allow third "+198.51.100.128/25"
check "the longest prefix wins" goes_to third 198.51.100.200
check "and only where it matches" goes_to right 198.51.100.7
allow third "+0.0.0.0/0"
check "a default route is the last choice" goes_to right 198.51.100.7
allow third "+198.51.100.0/24"
check "a prefix moves to the peer that gets it last" goes_to third 198.51.100.7
check_equal "the other one lost it" "${inner4[right]}/32 ${inner6[right]}/128" \
	"$(shown left right allowed_ips | jq -r 'join(" ")')"
allow third "-198.51.100.0/24"
allow third "-198.51.100.128/25"
check "without it, the default is left" goes_to third 198.51.100.7
allow third "10.9.0.3/32"
check "without that, none" refused left 198.51.100.7
allow right "+2001:db8:7::/64"
allow third "+2001:db8:7::4/126"
check "the longest prefix wins, IPv6" goes_to third 2001:db8:7::7

allow third "10.9.0.3/32"
check "a source that is not the peer's is dropped and counted" \
	counts left rx_drop_source_not_allowed wrong_source
check "its own is not" pings third "${inner4[left]}"

nobody=$(toyvpnctl genkey | toyvpnctl pubkey)
on left toyvpnctl set vpn0 peer "$nobody" allowed-ips 198.51.100.0/24
check "a peer that nobody knows the place of: the sender is told" refused left 198.51.100.7
check "and why is shown" reason_for_people left "set its endpoint"
on left toyvpnctl set vpn0 peer "$nobody" remove

forwarding left
ip -n third route add 198.51.99.0/24 dev vpn0
ip -n left route add 198.51.99.0/24 dev vpn0
check "a sender behind a peer is told by ICMP" refused third 198.51.99.1

check "a route to the endpoint through the tunnel itself makes no loop" into_itself
check "the reason is shown" shows left right reason route-loop
check "a route around it: packets cross" mend
check "fwmark and policy routing: all but the tunnel's own goes through it" policy
check "the source address is the one that the peer talks to" sticky

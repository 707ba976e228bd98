#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tiny and large packets, and what happens at the edges of the MTU.
# timeout: 300
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# crosses SIZE...: packets with so many bytes of IPv4 or IPv6 in all, not to be fragmented
crosses() {
	local size

	for size; do
		pings left "${inner4[right]}" -c 1 -M 'do' -s $((size - 28))
		((size < 48)) || pings left "${inner6[right]}" -c 1 -M 'do' -s $((size - 48))
	done
}

# too_big ADDRESS SIZE: the sender gets EMSGSIZE
too_big() {
	local output

	output=$(on left ping -M 'do' -c 1 -W 2 -s "$2" "$1" 2>&1) && return 1
	echo "$output"
	grep -qi "message too long" <<<"$output"
}

# far_too_big SIZE MTU: one whose packets only pass through left is told by ICMP, with the MTU to use
far_too_big() {
	local output

	output=$(on lan ping -M 'do' -c 2 -i 0.3 -W 2 -s "$1" "${inner4[right]}" 2>&1) && return 1
	echo "$output"
	grep -qiE "(frag needed|too long).*mtu ?= ?$2" <<<"$output"
}

fragments() {
	pings left "${inner4[right]}" -s 4000
	pings left "${inner6[right]}" -s 4000
	pings right "${inner4[left]}" -s 65507
	pings right "${inner6[left]}" -s 65000
}

mtu() {
	local netns

	for netns in left right; do
		ip -n "$netns" link set eth0 mtu "$1"
		ip -n "$netns" link set vpn0 mtu "$2"
	done
}

# gso SEGMENT...: UDP GSO inside, with segments of these sizes
gso() {
	local segment

	for segment; do
		traffic.py udp left "${inner4[left]}" right "${inner4[right]}" 3 $((segment * 30)) "$segment"
		traffic.py udp left "${inner6[left]}" right "${inner6[right]}" 3 $((segment * 30)) "$segment"
	done
}

tunnel_pair 4
check_equal "the MTU is 1420 from the start" 1420 \
	"$(ip -n left -j link show vpn0 | jq -r '.[0].mtu')"
check "each size up to the MTU crosses as it is" crosses 28 29 30 43 44 45 48 49 283 284 1419 1420
check "one byte more: the sender is told, IPv4" too_big "${inner4[right]}" 1393
check "one byte more: the sender is told, IPv6" too_big "${inner6[right]}" 1373
check "larger packets cross in fragments" fragments
check "UDP GSO of many sizes" gso 4 100 1372
check "TCP with segmentation left to the link" traffic.py tcp left right "${inner4[right]}" "$(amount 1000000)"
on left ethtool -K vpn0 gso off sg off tx off >/dev/null
check "and with all of it done before" traffic.py tcp left right "${inner4[right]}" "$(amount 500000)"
on left ethtool -K vpn0 gso on sg on tx on >/dev/null

# A host behind left, so that left only forwards what it sends.
ns lan
veth_pair lan eth0 left lan
addr lan eth0 198.51.100.2/24
addr left lan 198.51.100.1/24
ip -n lan route add default via 198.51.100.1
forwarding left
ip -n right route add 198.51.100.0/24 dev vpn0
on right toyvpnctl set vpn0 peer "${key[left]}" allowed-ips "+198.51.100.0/24"
check "forwarded packets cross" pings lan "${inner4[right]}" -M 'do' -s 1392
check "one byte more: a sender far away is told" far_too_big 1393 1420

# Nor can one that is too large slip through below IP, where nothing else looks at its size.
on left tc qdisc add dev lan clsact
on left tc filter add dev lan ingress protocol ip matchall action mirred egress redirect dev vpn0
ip -n lan route flush cache
check "one byte more, put into the link: dropped and counted" \
	counts left tx_drop_too_big on lan ping -M 'do' -c 2 -i 0.3 -W 1 -s 1393 "${inner4[right]}"
check "one byte less is not" pings lan "${inner4[right]}" -M 'do' -s 1392
on left tc qdisc del dev lan clsact

# The path outside is narrower than the link believes.
mtu 1300 1420
check "a narrow path outside: packets still cross" reach left right
check "large ones in fragments outside" pings left "${inner4[right]}" -s 1392
check "TCP over a narrow path" traffic.py tcp left right "${inner4[right]}" "$(amount 300000)"

mtu 9000 8920
check "jumbo frames: each size up to the MTU" crosses 28 1421 8919 8920
check "jumbo frames: one byte more" too_big "${inner4[right]}" 8893
check "jumbo frames: TCP" traffic.py tcp left right "${inner6[right]}" "$(amount 1000000)"
mtu 1500 1280
check "the smallest MTU of IPv6" crosses 1279 1280
check "TCP with the smallest MTU" traffic.py tcp left right "${inner6[right]}" "$(amount 300000)"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Bulk TCP and UDP both ways with both ciphers; what arrives is compared by its SHA-256.
# timeout: 300
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# all WHAT
all() {
	check "$1: TCP, IPv4" traffic.py tcp left right "${inner4[right]}" "$(amount 2000000)"
	check "$1: TCP, IPv6" traffic.py tcp left right "${inner6[right]}" "$(amount 1000000)"
	check "$1: UDP, one datagram a call" \
		traffic.py udp left "${inner4[left]}" right "${inner4[right]}" "$(amount 600)" 1300
	check "$1: UDP, 16 datagrams a call" \
		traffic.py udp left "${inner4[left]}" right "${inner4[right]}" "$(amount 40)" 20800 1300
}

# restart: sessions from scratch
restart() {
	local netns

	for netns in left right; do
		on "$netns" toyvpnctl set vpn0 "$@"
		ip -n "$netns" link set vpn0 down
		ip -n "$netns" link set vpn0 up
		addr "$netns" vpn0 "${inner6[$netns]}/64"
	done
	shows left right state disconnected
	reach left right
}

# offloads STATE: what the cable's ends leave to the stack
offloads() {
	on left ethtool -K eth0 tx-udp-segmentation "$1" tso "$1" gso "$1" gro "$2"
	on right ethtool -K eth0 tx-udp-segmentation "$1" tso "$1" gso "$1" gro "$2"
}

tunnel_pair 4
for cipher in aes-256-gcm chacha20-poly1305; do
	check "a session with $cipher" restart ciphers "$cipher"
	check_equal "$cipher is in use" "$cipher" "$(shown left right cipher)"
	all "$cipher"
	check "$cipher: what was heard on the wire stays as it was there" \
		traffic.py tapped left right "${inner4[right]}" eth0 "$(amount 2000000)"
done

check "a cable that segments nothing, and gathers what comes" offloads off on
all "no segmentation outside"

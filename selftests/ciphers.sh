#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Which cipher a session gets: what one side wants, the other ranks; and none in common.
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

aes=aes-256-gcm chacha=chacha20-poly1305

# negotiated TITLE LEFT RIGHT CIPHER: left begins and right, which answers, makes the choice
negotiated() {
	check "$1" agree "$2" "$3"
	check_equal "$1: the initiator's session" "$4" "$(shown left right cipher)"
	check_equal "$1: the responder's session" "$4" "$(shown right left cipher)"
}

agree() {
	afresh "$1" "$2"
	pings left "${inner4[right]}"
}

# afresh LEFT RIGHT: lists of ciphers; both sides forget each other, and only left knows where right is
afresh() {
	on left toyvpnctl set vpn0 ciphers "$1" peer "${key[right]}" remove
	on right toyvpnctl set vpn0 ciphers "$2" peer "${key[left]}" remove
	on right toyvpnctl set vpn0 peer "${key[left]}" allowed-ips "${inner4[left]}/32"
	on left toyvpnctl set vpn0 peer "${key[right]}" allowed-ips "${inner4[right]}/32" \
		endpoint "$(endpoint 4 right)"
}

no_session() {
	afresh "$1" "$2"
	no_ping left "${inner4[right]}"
}

recovers() {
	on right toyvpnctl set vpn0 ciphers "$aes,$chacha"
	wait_for 20 on left ping -c 1 -W 2 "${inner4[right]}"
}

tunnel_pair 4
negotiated "both want both" "$aes,$chacha" "$aes,$chacha" $aes
negotiated "the responder's ranking wins" "$aes,$chacha" "$chacha,$aes" $chacha
negotiated "and the other way" "$chacha,$aes" "$aes,$chacha" $aes
negotiated "the initiator has only one" $chacha "$aes,$chacha" $chacha
negotiated "the responder has only one" "$aes,$chacha" $chacha $chacha

check "no cipher in common: no session" no_session $aes $chacha
check "the initiator says why" shows left right reason no-common-cipher
check "the responder says why" shows right left reason no-common-cipher
check_equal "there is no session" none "$(shown left right cipher)"
check "for people, too" grep -q "no common cipher" <(on left toyvpnctl show vpn0)
check "a cipher in common again: it recovers" recovers
check "the reason is gone" shows left right reason none

check_refused "an unknown cipher is refused" des on left toyvpnctl set vpn0 ciphers des

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The pre-shared key: right, wrong, missing, changed while the tunnel is in use.
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# psk NS FILE
psk() {
	local other=left

	[[ $1 != left ]] || other=right
	on "$1" toyvpnctl set vpn0 peer "${key[$other]}" preshared-key "$2"
}

# no_answer_comes FILE FILE: PSKs of left and right; left shows that they differ
differ() {
	psk left "$1"
	psk right "$2"
	no_ping left "${inner4[right]}"
	shows left right reason bad-authentication
}

agree() {
	psk left "$1"
	psk right "$1"
	# A handshake may be under way that began with the old one.
	wait_for 20 on left ping -c 1 -W 2 "${inner4[right]}"
	reach left right
	shows left right reason none
}

for name in one two; do
	toyvpnctl genpsk >"$tmp/$name"
done

tunnel_pair 4 preshared-key "$tmp/one"
check "the same on both sides" reach left right
check "another on one side: no session, and the reason is shown" differ "$tmp/two" "$tmp/one"
check "for people, too" grep -qiE "pre-?shared key" <(on left toyvpnctl show vpn0)
check "the same again" agree "$tmp/two"
check "missing on one side" differ /dev/null "$tmp/two"
check "missing on both" agree /dev/null
check "another on both, at once" agree "$tmp/one"
check_equal "root can read it" "$(<"$tmp/one")" \
	"$(on left toyvpnctl show vpn0 preshared-keys | cut -f2)"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# New sessions under load: not one packet is lost, over many of them.
# clock: virtual
# timeout: 3000
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# steadily SECONDS RATE: datagrams both ways, of which none may be lost
steadily() {
	traffic.py steady left "${inner4[left]}" right "${inner4[right]}" "$1" "$2"
}

# age: of the session, seconds
age() {
	echo $(($(date +%s) - $(shown left right latest_handshake)))
}

tunnel_pair 4
steadily 1 10 >/dev/null
first=$(sessions left)
began=$(date +%s)
check "a session is there" test "$first" -ge 1
for round in 1 2 3 4 5; do
	# It is renewed at 120 seconds; the storm begins some seconds before and ends after that.
	check "round $round: nothing lost while it ages" steadily $((105 - $(age))) 2
	before=$(sessions left)
	check "round $round: nothing lost in a storm around its renewal" steadily 25 80
	check "round $round: there is a new session" test "$(sessions left)" -gt "$before"
done
# The virtual clock jumps when the guest waits for its host, so count by what has really passed.
check "no more sessions than needed" \
	test $(($(sessions left) - first)) -le $((1 + ($(date +%s) - began) / 120))

check "TCP crosses the next one" traffic.py tcp left right "${inner6[right]}" 2000000
check_equal "no packet was dropped for want of a session" 0 "$(counter left tx_drop_no_session)"
check_equal "nor of its keys" 0 "$(counter right rx_drop_unknown_session)"
check_equal "nor for its age" 0 "$(counter right rx_drop_session_expired)"

# The INITs of both cross on a path as long as this
far_apart() {
	local netns

	for netns in left right; do
		on "$netns" tc qdisc replace dev eth0 root netem delay 200ms
		on "$netns" nft -f - <<-EOF
			table inet inits {
				counter sent { }
				chain output {
					type filter hook output priority 0
					udp dport $port @th,64,8 1 counter name sent
				}
			}
		EOF
	done
}

# inits NS: how many it has sent since then
inits() {
	on "$1" nft -j list counter inet inits sent | jq '.nftables[].counter.packets | values'
}

# both_begin: the INITs of both cross. They do not if the virtual clock jumps between one and the other;
# then whoever has the larger key makes two sessions, and not one.
both_begin() {
	local before

	for _ in 1 2 3 4 5; do
		before=$(sessions "$larger")
		on left toyvpnctl set vpn0 peer "${key[right]}" connect
		on right toyvpnctl set vpn0 peer "${key[left]}" connect
		pass 1
		(($(sessions "$larger") > before + 1)) || return 0
	done
	echo "they never crossed"
	return 1
}

# number_of NS: its public key, as hexadecimal digits
number_of() {
	base64 -d <<<"${key[$1]}" | od -An -v -tx1 | tr -d ' \n'
}

# order_keys SMALLER LARGER: whose public key is the smaller number from now on
order_keys() {
	if [[ $(number_of "$1") > $(number_of "$2") ]]; then
		mv "$tmp/$1.key" "$tmp/new.key"
		mv "$tmp/$2.key" "$tmp/$1.key"
		mv "$tmp/new.key" "$tmp/$2.key"
	fi
}

# Of two sessions that both sides began at once, that of the larger key is renewed, and the other is not
for sides in "left right" "right left"; do
	read -r smaller larger <<<"$sides"
	del_ns left
	del_ns right
	order_keys "$smaller" "$larger"
	tunnel_pair 4
	check "$larger has the larger key, and a long way to $smaller" far_apart
	check "$larger has the larger key: both begin at once" both_begin
	before_smaller=$(inits "$smaller")
	before_larger=$(inits "$larger")
	check "$larger has the larger key: nothing lost while the sessions age" steadily 110 2
	check_equal "$larger has the larger key: no INIT in that time" "$before_smaller $before_larger" \
		"$(inits "$smaller") $(inits "$larger")"
	check "$larger has the larger key: nothing lost around the renewal" steadily 20 20
	check_equal "$larger has the larger key: it sent the next INIT" \
		"$before_smaller $((before_larger + 1))" "$(inits "$smaller") $(inits "$larger")"
done

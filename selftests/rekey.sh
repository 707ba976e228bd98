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

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Replay, forgery and broken messages from a peer in user space that knows the protocol and has
# valid keys. An honest peer of the same link loses nothing meanwhile.
# timeout: 400

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

user_space_peer 4
honest
check "an honest peer" pings honest "${inner4[left]}"
spawn on honest ping -q -i 0.2 "${inner4[left]}" >"$tmp/ping"
pinger=$!
as_peer replay.py
kill -INT "$pinger"
wait "$pinger" || :
# The last request may be on its way when ping is told to end
lost_nothing() {
	awk '/packets transmitted/ { print; good = $1 - $4 <= 1 } END { exit !good }' "$tmp/ping"
}
check "the honest peer lost nothing" lost_nothing
check "and is connected" shown_is left honest state connected

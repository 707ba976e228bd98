#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Keys are erased before the machine suspends; afterwards the next packet makes a new session.
# clock: virtual

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# suspend: as far as freezing all processes, which the kernel undoes after five seconds
suspend() {
	echo freezer >/sys/power/pm_test
	echo mem >/sys/power/state
	echo none >/sys/power/pm_test
}

erased() {
	shown_is left right cipher none
	shown_is left right reason removed-key
	shown_is right left cipher none
}

tunnel_pair 4
check "before" reach left right
if [[ -w /sys/power/pm_test && $(</sys/power/state) == *mem* ]]; then
	before=$(sessions left)
	check "suspend" suspend
	check "the keys are gone" erased
	check "a new session is made" reach left right
	check "it is another one" test "$(sessions left)" -gt "$before"
else
	skip "suspend" "this kernel cannot be made to try it"
fi

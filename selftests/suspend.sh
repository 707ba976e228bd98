#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Keys are erased before the machine suspends or hibernates and after it was cloned; afterwards the
# next packet makes a new session.
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# suspend STATE: as far as freezing all processes, which the kernel then undoes
suspend() {
	echo freezer >/sys/power/pm_test
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	echo "$1" >/sys/power/state
	echo none >/sys/power/pm_test
}

erased() {
	shown_is left right cipher none
	shown_is left right reason removed-key
	shown_is right left cipher none
}

# erases TITLE CMD...: CMD erases the keys of a tunnel that is up, and traffic brings new ones
erases() {
	local title=$1 before

	shift
	check "before: $title" reach left right
	before=$(sessions left)
	check "$title" "$@"
	check "the keys are gone" erased
	check "a new session is made" reach left right
	check "it is another one" test "$(sessions left)" -gt "$before"
}

tunnel_pair 4
for state in mem disk; do
	if [[ -w /sys/power/pm_test && $(</sys/power/state) == *$state* ]]; then
		erases "suspend to $state" suspend "$state"
	else
		skip "suspend to $state" "this kernel cannot be made to try it"
	fi
done
clone=/sys/module/toyvpn/parameters/clone
if [[ -e $clone ]]; then
	erases "the machine was cloned" tee "$clone" <<<"another machine"
else
	skip "the machine was cloned" "the module is built without its own tests (KERNEL=debug has them)"
fi

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The rooms that know no packets, each by its KUnit suite in kmod/tests. They run when the module is
# loaded, if it was built with TOYVPN_KUNIT=y and the kernel has KUnit.
# timeout: 240
# debug: yes
# suites: all

. "$(dirname "$0")/lib.sh"

debugfs=/sys/kernel/debug/kunit
filter=/sys/module/kunit/parameters/filter_glob

# expected: the rooms that must have a suite, and those that have one in the sources
expected() {
	{
		printf '%s\n' config cookie hash noise ratelimit replay requests routes session spread timers tlv
		sed -n 's/^\t\.name = "toyvpn_\(.*\)",$/\1/p' "$selftests"/../kmod/tests/*_test.c
	} | sort -u
}

# only GLOB: which suites run when a module that has some is loaded
only() {
	printf '%s' "$1" >"$filter"
}

# load: the module anew, with its own suites and nobody else's
load() {
	[[ ! -e /sys/module/toyvpn ]] || rmmod toyvpn
	modprobe toyvpn
}

# suite NAME: a result for each case of a suite, with all that it printed if it failed, and one for
# the whole
suite() {
	local file=$debugfs/toyvpn_$1/results line plan='' number=0 printed=''

	if [[ ! -e $file ]]; then
		not_ok "$1: the suite is there"
		return
	fi
	while IFS= read -r line; do
		# KUnit indents what belongs to a suite by four spaces, and by eight what belongs
		# to a case that runs once for each of its parameters
		case $line in
		'    1..'*) plan=${line#*..} ;;
		'    ok '*'# SKIP'*) not_ok "$1: ${line#*ok * } (nothing of ours is skipped)" ;;
		'    ok '*) ok "$1: ${line#*ok * }" ;;
		'    not ok '*) not_ok "$1: ${line#*ok * }" "$printed" ;;
		'    # '*': seed '*) diag "${line#*# }" ;;
		esac
		case $line in
		'    ok '* | '    not ok '*)
			number=$((number + 1))
			printed=''
			;;
		*) printed+=${printed:+$'\n'}$line ;;
		esac
	done <"$file"
	check_equal "$1: the suite ran to its end and succeeded" "$plan cases, ok 1 toyvpn_$1" \
		"$number cases, $(tail -n 1 "$file")"
}

if [[ ! -e $debugfs ]]; then
	skip "KUnit suites of the module" "this kernel has no KUnit"
	exit
fi

if [[ -e $filter ]]; then
	before=$(<"$filter")
	# What reads as this cannot be written
	[[ $before != '(null)' ]] || before='*'
	defer only "$before"
	only 'toyvpn_*'
fi
check "the module is loaded, and its suites run" load
if [[ ! -e /sys/module/toyvpn/sections/.kunit_test_suites ]]; then
	skip "KUnit suites of the module" "it was built without TOYVPN_KUNIT=y"
	exit
fi

for name in $(expected); do
	suite "$name"
done

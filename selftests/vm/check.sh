#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [MACHINE...]: run the stories on machines (without any: on that which SUITE= or KERNEL=
# names), all stories or those that TESTS= names, and report in KTAP with one closing line over
# everything. Stories that want the same machine share a guest, and one that
# brings its guest down costs the others nothing but a new one. build/check.ktap has the report.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

vm=$checkout/selftests/vm
report=$checkout/build/check.ktap
number=0

# result ok|'not ok' NAME: close a story of the report
result() {
	echo "$1 $((++number)) - $machine/$2"
}

# lost NAME WHY: close a story whose guest is gone
lost() {
	echo "  not ok $((++inner)) - the guest survives the story"
	echo "  # $2"
	tail -n 40 "$checkout/build/$machine/console.log" | tr -d '\r' | sed 's/^/  # /'
	result 'not ok' "$1"
}

# deadline NAME: until when the story must have ended. It ends by its own timeout, unless its guest
# hangs; and the host may be busy. Virtual seconds say nothing about real ones.
deadline() {
	if [[ $clock == virtual ]]; then
		echo $((SECONDS + slow * 1500))
	else
		echo $((SECONDS + slow * (60 + 2 * timeout_of[$1])))
	fi
}

# No guest stays behind if this is interrupted.
# shellcheck disable=SC2317
end() {
	[[ -z ${pid:-} ]] || kill "$pid" 2>/dev/null || :
}

# one_guest: run the stories in the array names in one guest, and take those that it did from it
one_guest() {
	local line rc=0 limit inner=0 booted='' output

	exec {output}< <(CMD="SLOW=$slow selftests/run.sh ${names[*]}" SUITE=$(suite_of "$machine") \
		KERNEL=$kernel CLOCK=$clock SMP=$smp exec "$vm/boot.sh")
	pid=$!
	limit=$((SECONDS + slow * 300))
	while ((${#names[@]})); do
		IFS= read -r -t "$((limit > SECONDS ? limit - SECONDS : 1))" -u "$output" line || { rc=$?; break; }
		case $line in
		'KTAP version 1' | 1..*) ;;
		'ok '* | 'not ok '*)
			result "${line%% [0-9]*}" "${names[0]}"
			names=("${names[@]:1}")
			inner=0
			((${#names[@]} == 0)) || limit=$(deadline "${names[0]}")
			;;
		'# Linux '*)
			booted=yes
			limit=$(deadline "${names[0]}")
			echo "$line"
			;;
		*)
			[[ $line != *'ok '[0-9]* ]] || inner=$((inner + 1))
			echo "$line"
			;;
		esac
	done
	if ((rc)); then
		((rc > 128)) && line="it did not end" || line="it died"
		lost "${names[0]}" "$line"
		names=("${names[@]:1}")
		if [[ -z $booted ]]; then
			# Another try would only take as long again.
			while ((${#names[@]})); do
				inner=0 lost "${names[0]}" "it did not boot"
				names=("${names[@]:1}")
			done
		fi
		kill "$pid" 2>/dev/null || :
	fi
	wait "$pid" || :
	pid=''
	exec {output}<&-
}

check_machine() {
	local clock smp names kernel='' slow=1

	echo "# $machine: ${#stories[@]} stories"
	# A kernel that looks at each access is several times slower.
	! is_kernel "$machine" || kernel=$machine slow=4
	rm -rf "$checkout/build/$machine/coverage"
	if ! "$vm/prepare.sh" "$machine"; then
		echo "  not ok 1 - module and tool are built without a warning"
		result 'not ok' build
		return
	fi
	echo "  ok 1 - module and tool are built without a warning"
	result ok build
	while read -r clock smp; do
		mapfile -t names < <(list | awk -v m="$clock $smp" '$2 " " $3 == m { print $1 }')
		while ((${#names[@]})); do
			one_guest
		done
	done < <(list | awk '{ print $2, $3 }' | sort -u)
	[[ ! -d $checkout/build/$machine/coverage ]] || "$vm/coverage.sh" "$machine" | sed 's/^/# /'
}

# list: a line "STORY CLOCK SMP TIMEOUT" for each story that is asked for
list() {
	printf '%s\n' "${stories[@]}"
}

check() {
	local name _ timeout machine pid=''
	declare -A timeout_of

	trap end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	while read -r name _ _ timeout; do
		timeout_of[$name]=$timeout
	done < <(list)
	echo "KTAP version 1"
	echo "1..$((${#machines[@]} * (${#stories[@]} + 1)))"
	for machine in "${machines[@]}"; do
		check_machine
	done
}

machines=("$@")
((${#machines[@]})) || machines=("$(machine)")
for machine in "${machines[@]}"; do
	need_machine "$machine"
done
mapfile -t stories < <("$checkout/selftests/run.sh" --list)
if [[ -n ${TESTS:-} ]]; then
	for name in $TESTS; do
		list | grep -q "^$name " || die "no test '$name': one of $(list | cut -d' ' -f1 | tr '\n' ' ')"
	done
	mapfile -t stories < <(list | grep -E "^(${TESTS// /|}) ")
fi
((${#stories[@]})) || die "no tests"

mkdir -p "$checkout/build"
check | tee "$report"
awk -f "$checkout/selftests/ktap.awk" "$report"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check.sh [MACHINE...]: run the stories on machines (without any: on that which SUITE= or KERNEL=
# names), all stories or those that TESTS= names, and report in KTAP with one closing line over
# everything. Stories of a machine that want the same clock and processors share a guest, and one that
# brings its guest down costs the others nothing but a new one. build/check.ktap has the report.
#
# Of several machines as many are checked at a time as there are processors, and each one's report
# comes whole.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

vm=$checkout/selftests/vm
report=$checkout/build/check.ktap

# result ok|'not ok' NAME: close a story of the report. Its number comes when its place is known.
result() {
	echo "$1 @ - $machine/$2"
}

# numbered: the report with a number for each story, each line as it comes
numbered() {
	local line number=0

	while IFS= read -r line; do
		[[ $line != @(ok|'not ok')' @ '* ]] || line=${line/@/$((++number))}
		printf '%s\n' "$line"
	done
}

# at_once CMD NAME...: run CMD NAME for each name, as many at a time as there are processors. What
# each prints comes whole, in the order of the names.
at_once() {
	local cmd=$1 name started=0

	shift
	for name in "$@"; do
		((started++ < $(nproc))) || wait -n || :
		"$cmd" "$name" >"$tmp/$name" &
	done
	wait
	for name in "$@"; do
		cat "$tmp/$name"
	done
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
	if [[ $clock == real ]]; then
		echo $((SECONDS + patience * (60 + 2 * timeout_of[$1])))
	else
		echo $((SECONDS + patience * 1500))
	fi
}

# one_guest: run the stories in the array names in one guest, and take those that it did from it
one_guest() {
	local line rc=0 limit inner=0 booted='' output

	exec {output}< <(CMD="SLOW=$slow BUSY=$busy selftests/run.sh ${names[*]}" SUITE=$(suite_of "$machine") \
		KERNEL=$kernel CLOCK=$clock SMP=$smp BOOT_TIMEOUT=$((patience * 150)) \
		TIMEOUT=$((patience * 3600)) exec "$vm/boot.sh")
	pid=$!
	limit=$((SECONDS + patience * 300))
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

# on_machine MACHINE: make it that which results are of
on_machine() {
	machine=$1 kernel='' slow=1 busy=1
	# A kernel that looks at each access is several times slower.
	! is_kernel "$machine" || kernel=$machine slow=4
	((${#machines[@]} == 1)) || busy=2
	patience=$((slow * busy))
}

# prepare: what the machine's guests need
prepare() {
	rm -rf "$checkout/build/$machine/coverage"
	if "$vm/prepare.sh" "$machine"; then
		echo "  ok 1 - module and tool are built without a warning"
		result ok build
	else
		echo "  not ok 1 - module and tool are built without a warning"
		result 'not ok' build
		return 1
	fi
}

# guests CLOCK: run the machine's stories on this clock
guests() {
	local clock=$1 smp names pid=''

	trap '[[ -z ${pid:-} ]] || kill "$pid" 2>/dev/null || :' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	for smp in $(list_of "$machine" | awk -v c="$clock" '$2 == c { print $3 }' | sort -u); do
		mapfile -t names < <(list_of "$machine" |
			awk -v c="$clock" -v s="$smp" '$2 == c && $3 == s { print $1 }')
		while ((${#names[@]})); do
			one_guest
		done
	done
}

# judged: whether the machine counts lines and all stories run there, those that need injected faults as
# well, so that one more result says if the lines were enough
judged() {
	[[ $machine == debug && -z ${TESTS:-} ]] && ((${#machines[@]} == 1))
}

# coverage: which lines of the module the machine's stories ran, where that was counted
coverage() {
	local verdict='not ok'

	if judged; then
		! "$vm/coverage.sh" "$machine" judge | sed 's/^/  /' || verdict=ok
		result "$verdict" coverage
	elif [[ -d $checkout/build/$machine/coverage ]]; then
		"$vm/coverage.sh" "$machine" | sed 's/^/  /'
	fi
}

# check MACHINE: a report of all of it
check() {
	local machine kernel slow busy patience clock

	on_machine "$1"
	echo "# $machine: $(list_of "$machine" | wc -l) stories"
	! prepare || for clock in real virtual long; do
		say "$machine: the stories on the $clock clock"
		(guests "$clock")
	done
	coverage
	say "$machine: done"
}

# list: a line "STORY CLOCK SMP TIMEOUT SUITES DEBUG" for each story that is asked for
list() {
	printf '%s\n' "${stories[@]}"
}

# list_of MACHINE: those that it runs, all if it is the only one. Of several a kernel of ours, which takes
# several times as long for each, runs what says "debug: yes", and the default suite all others: it has the
# same kernel. The other suites run what says "suites: all": it meets what differs there.
list_of() {
	if ((${#machines[@]} == 1)); then
		list
	elif is_kernel "$1"; then
		list | awk '$6 == "yes"'
	elif [[ $1 != "$default_suite" ]]; then
		list | awk '$5 == "all"'
	elif is_kernel "${machines[0]}"; then
		list | awk '$6 != "yes"'
	else
		list
	fi
}

check_all() {
	local name _ timeout machine plan=0
	declare -A timeout_of

	while read -r name _ _ timeout _; do
		timeout_of[$name]=$timeout
	done < <(list)
	for machine in "${machines[@]}"; do
		plan=$((plan + 1 + $(list_of "$machine" | wc -l)))
		! judged || plan=$((plan + 1))
	done
	echo "KTAP version 1"
	echo "1..$plan"
	"$vm/host.sh"
	if ((${#machines[@]} == 1)); then
		check "${machines[0]}"
	else
		at_once check "${machines[@]}"
	fi
}

machines=("$@")
if ((${#machines[@]} == 0)); then
	machine=$(machine)
	machines=("$machine")
fi
for machine in "${machines[@]}"; do
	need machine "$machine" "${all_machines[@]}"
done
mapfile -t stories < <("$checkout/selftests/run.sh" --list)
if [[ -n ${TESTS:-} ]]; then
	for name in $TESTS; do
		list | grep "^$name " >/dev/null || die "no test '$name': one of $(list | cut -d' ' -f1 | tr '\n' ' ')"
	done
	mapfile -t stories < <(list | grep -E "^(${TESTS// /|}) ")
fi
((${#stories[@]})) || die "no tests"

mkdir -p "$checkout/build"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
check_all | numbered | tee "$report"
awk -f "$checkout/selftests/ktap.awk" "$report"

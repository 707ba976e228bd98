#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [STORY...]: run stories in the guest, one after another; all of them if none is named.
# Reports in KTAP, each story a test and its own results one level below it, among them two that
# every story gets: it left nothing behind, and the kernel did not complain.

# SLOW=N: the kernel is so many times slower than an ordinary one. A story gets so much more time, and
# does less where it is the number that counts (see amount in lib.sh).
# BUSY=N: the machine does so much else, and a story gets that much more time as well.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
report=/run/selftests
patience=$((${SLOW:-1} * ${BUSY:-1}))
once=/sys/kernel/debug/clear_warn_once

# A kernel that prints one of these has found something wrong with itself.
complaints='WARNING:|BUG:|Oops|Call Trace:|general protection fault|Kernel panic|UBSAN|KASAN|KCSAN|'
complaints+='KFENCE|INFO: |suspicious RCU usage|locking dependency|lock held|soft lockup|'
complaints+='self-detected stall|detected stalls|blocked for more than|refcount_t:|'
complaints+='unregister_netdevice: waiting|kmemleak: .* new suspected|scheduling while atomic|'
complaints+='sleeping function called|page allocation failure|list_(add|del) corruption|'
complaints+='suspect GRO implementation|hw csum failure|leaked reference'

# stories: the names of all
stories() {
	local file

	for file in selftests/*.sh selftests/*.py; do
		file=${file#selftests/}
		case $file in
		lib.sh | run.sh | demo.sh) ;;
		*) [[ ! -x selftests/$file ]] || echo "${file%.*}" ;;
		esac
	done
}

# file_of STORY
file_of() {
	local file

	for file in "selftests/$1.sh" "selftests/$1.py"; do
		[[ ! -x $file ]] || echo "$file"
	done
}

# setting FILE NAME DEFAULT: a story's header line "# NAME: VALUE"
setting() {
	local value

	value=$(sed -n "1,20s/^# $2: *//p" "$1" | head -n 1)
	echo "${value:-$3}"
}

# nest LOG: a story's output as one level of the report; what is not KTAP becomes a diagnostic
nest() {
	sed -u -E -e '/^KTAP version /d' -e '/^((not )?ok |# |#$)/! s/^/# /' -e 's/^/  /' | tee "$1"
}

# left_behind MARK: what a story did not clean up, one a line; and clean it up. Its processes are
# known by MARK in their environment, whatever became of their parents.
left_behind() {
	local file pid name try _

	# What was just killed needs a moment to be gone
	for ((try = 0; try < 25; try++)); do
		sleep 0.2
		grep -qslz "^TOYVPN_STORY=$1\$" /proc/[0-9]*/environ || break
	done
	grep -slz "^TOYVPN_STORY=$1\$" /proc/[0-9]*/environ | while read -r file; do
		pid=${file//[^0-9]/}
		echo "process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
		kill -9 "$pid"
	done 2>/dev/null
	ip netns list | while read -r name _; do
		echo "namespace $name"
		ip netns del "$name"
	done
	ip -o link show type toyvpn 2>/dev/null | while read -r _ name _; do
		name=${name%%[@:]*}
		echo "link $name"
		ip link del "$name"
	done
}

# complained MARK: what the kernel printed since MARK if there is a complaint in it
complained() {
	local log

	if [[ -e /sys/kernel/debug/kmemleak ]]; then
		# It tells of nothing that is younger than five seconds or that it sees for the first time.
		sleep 5
		echo scan >/sys/kernel/debug/kmemleak
		echo scan >/sys/kernel/debug/kmemleak
		sed 's/^/kmemleak: /' /sys/kernel/debug/kmemleak
		echo clear >/sys/kernel/debug/kmemleak
	fi
	log=$(dmesg)
	# The log is a ring. What it has lost may have been a complaint.
	[[ $log == *"$1"* ]] || echo "its log is too small for all that it printed"
	log=$(sed "0,/$1/d" <<<"$log")
	! grep -qE "$complaints" <<<"$log" || echo "$log"
	# Lockdep says nothing more after its first complaint, and not always that it gave up.
	! grep -qsE '^ *debug_locks: *0$' /proc/lockdep_stats || echo "locks are not watched any more"
}

# verdict TITLE PROBLEM: one more result of the story that just ran
verdict() {
	if [[ -z $2 ]]; then
		echo "  ok $((++count)) - $1"
	else
		echo "  not ok $((++count)) - $1"
		head -n 100 <<<"$2" | sed 's/^/  # /'
		failed=1
	fi
}

run_story() {
	local name=$1 file mark status count timeout failed=0 out left begin=$SECONDS
	local log=$report/$name

	file=$(file_of "$name")
	timeout=$((patience * $(setting "$file" timeout 300)))
	mark="$name.$RANDOM$RANDOM"
	# What was warned of in the story before would be said once and never again.
	[[ ! -e $once ]] || echo 1 >"$once"
	echo "selftests: $mark" >/dev/kmsg
	echo "  KTAP version 1"
	echo "  # Subtest: $name"
	exec {out}> >(nest "$log")
	TOYVPN_STORY=$mark timeout --kill-after=10 "$timeout" \
		"$file" >&"$out" 2>&1 </dev/null {out}>&-
	status=$?
	left=$(left_behind "$mark")
	exec {out}>&-
	wait
	count=$(grep -cE '^  (not )?ok ' "$log")
	! grep -q '^  not ok ' "$log" || failed=1
	case $status in
	124 | 137) verdict "the story ends in time" "it was ended: $timeout seconds" ;;
	*) ((status == 0 || failed)) || verdict "the story succeeds" "it ended with status $status" ;;
	esac
	verdict "nothing is left behind" "$left"
	verdict "the kernel did not complain" "$(complained "selftests: $mark")"
	echo "  # $((SECONDS - begin)) seconds"
	return "$failed"
}

# save_coverage: which lines of the module have run, where coverage.sh looks for it. The kernel's
# paths are those of the objects, such as /toyvpn/build/debug/module/kmod/tx.gcda.
save_coverage() {
	local file to

	find /sys/kernel/debug/gcov -name '*.gcda' 2>/dev/null | while read -r file; do
		to=${file#/sys/kernel/debug/gcov}
		to=${to%%/module/*}/coverage/$1/${to#*/module/}
		mkdir -p "${to%/*}"
		cat "$file" >"$to"
	done
}

main() {
	local name number=0 result

	mkdir -p "$report"
	echo "KTAP version 1"
	echo "1..$#"
	echo "# Linux $(uname -r), $(nproc) CPU"
	for name in "$@"; do
		result=ok
		run_story "$name" || result='not ok'
		echo "$result $((++number)) - $name"
	done
}

case ${1:-} in
--list)
	# For the host: each story with what it wants of its guest.
	for name in $(stories); do
		file=$(file_of "$name")
		clock=$(setting "$file" clock real)
		smp=$(setting "$file" smp 2)
		[[ $clock == real ]] || smp=1
		echo "$name $clock $smp $(setting "$file" timeout 300) $(setting "$file" suites default)" \
			"$(setting "$file" debug no)"
	done
	exit
	;;
'') mapfile -t names < <(stories) ;;
*) names=("$@") ;;
esac

for name in "${names[@]}"; do
	[[ -n $(file_of "$name") ]] || { echo "run.sh: no story '$name'" >&2; exit 1; }
done
main "${names[@]}" | tee /run/selftests.ktap
save_coverage "$RANDOM$RANDOM"
awk -f selftests/ktap.awk /run/selftests.ktap

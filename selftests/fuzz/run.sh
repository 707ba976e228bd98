#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: fuzz all that toyvpnctl reads, in the workshop: first what is in corpus/, then so many texts
# that are made from it. By the environment:
#   N=200000   how many for each fuzzer; 0: the corpus alone. A fiftieth of that where each is a
#              dozen files that are written.
#   SEED=1     of their random numbers
#   KEEP=yes   add those that reach new code to corpus/
# A text that breaks something stays in build/fuzz/FUZZER-*; once that is mended, put it into corpus/.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../vm/common.sh"

out=$checkout/build/fuzz
here=$checkout/selftests/fuzz
fuzzers=(config command values blob login users record dns nat netlink leases)
slow=' record dns leases '

# fuzz FUZZER N SEED KEEP
fuzz() {
	local found=$out/found-$1 corpus=$here/corpus/$1 run
	run=("$out/$1" -timeout=10 "-artifact_prefix=$out/$1-" "-dict=$here/tokens.dict" -max_len=4096)

	rm -rf "$found"
	mkdir -p "$found" "$corpus"
	# What fails has to be the end: "set -e" does not hold where the status is looked at.
	"${run[@]}" -runs=0 "$corpus" || return
	(($2 == 0)) || "${run[@]}" "-runs=$2" "-seed=$3" "$found" "$corpus" || return
	[[ -z $4 ]] || "${run[@]}" -set_cover_merge=1 "$corpus" "$found" || return
}

# inside N SEED KEEP: runs in the workshop
inside() {
	local fuzzer n log=/tmp/log

	make -s -C "$here" "O=$out" >"$log" 2>&1 || { cat "$log" && return 1; }
	for fuzzer in "${fuzzers[@]}"; do
		n=$1
		[[ $slow != *" $fuzzer "* ]] || n=$((n / 50))
		if ! fuzz "$fuzzer" "$n" "${@:2}" >"$log" 2>&1; then
			# What does not hold ends in abort(), of which libFuzzer's sentence says nothing more.
			grep -a ': this does not hold: ' "$log" ||
				sed -n "s|^SUMMARY: |selftests/fuzz/$fuzzer.c:1: |p" "$log"
			grep -a 'Test unit written' "$log" || :
			tail -n 60 "$log" >&2
			return 1
		fi
		echo "$fuzzer: $(find "$here/corpus/$fuzzer" -type f | wc -l) texts of the corpus and $n more, seed $2"
	done
}

if [[ ${1:-} == inside ]]; then
	shift
	inside "$@"
else
	"$checkout/selftests/vm/workshop.sh"
	"$checkout/selftests/vm/enter.sh" "$(workshop_dir)/root" \
		selftests/fuzz/run.sh inside "${N:-200000}" "${SEED:-1}" "${KEEP:-}"
fi

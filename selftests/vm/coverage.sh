#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# coverage.sh MACHINE [judge]: which lines of the module the last "make check" ran, as pages for a browser
# in build/MACHINE/coverage/html/ and in a sentence. Each guest left its counts in a folder of its own.
# With judge also, in KTAP, whether that is enough (coverage.py): of a run of all stories.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

machine=${1:?MACHINE}
need machine "$machine" "${all_machines[@]}"
build=build/$machine

# Runs in the workshop, whose compiler is the one that built the module.
inside() {
	local run sum=/tmp/sum guests=0

	for run in "$build"/coverage/*/; do
		[[ -d $run/kmod ]] || continue
		if ((guests++)); then
			gcov-tool merge "$sum" "$run" -o /tmp/next
			rm -rf "$sum"
			mv /tmp/next "$sum"
		else
			cp -r "$run" "$sum"
		fi
	done
	((guests)) || die "no counts in $build/coverage"
	# gcov looks for its notes beside the counts.
	(cd "$build/module" && find kmod -name '*.gcno' | cpio -pd --quiet "$sum")
	mkdir -p "$build/coverage/html"
	# Not to be found are the kernel's own headers; CPUs count at once and without locks, so a count can be
	# wrong, even less than nothing.
	gcovr --root "$PWD/$build/module" --filter "$PWD/$build/module/kmod/" --exclude '.*/kmod/tests/' \
		--gcov-ignore-errors=source_not_found \
		--gcov-ignore-parse-errors=negative_hits.warn_once_per_file "$sum" \
		--html-details "$build/coverage/html/index.html" --txt "$build/coverage/lines.txt" \
		--html-title 'toyvpn, lines of the module' --json "$build/coverage/lines.json" --txt-summary \
		>"$build/coverage/summary.txt" 2>"$build/coverage/gcovr.log" ||
		{ tail -n 20 "$build/coverage/gcovr.log" && return 1; }
	sed -n 's/^lines: /# coverage of the module, lines: /p' "$build/coverage/summary.txt"
	echo "# each line: $build/coverage/html/index.html"
	[[ -z $1 ]] || selftests/vm/coverage.py "$build/coverage/lines.json" "$build/module" selftests/vm/uncovered
}

if [[ ${2:-} == inside ]]; then
	inside "${3:-}"
else
	"$checkout/selftests/vm/workshop.sh"
	"$checkout/selftests/vm/enter.sh" "$(workshop_dir)/root" selftests/vm/coverage.sh "$machine" inside "${2:-}"
fi

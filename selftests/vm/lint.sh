#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# lint.sh [CHECK...]: examine the sources, with tools of the workshop: all checks, or those named.
# Shows what each finds and how much that is in all; exit status 1 if it is anything.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# Those that take long come first: as many run at once as there are processors.
checks=(fuzz sparse coccicheck checkpatch clang analyzer shellcheck kernel-doc python spelling)
out=build/lint
kernel_scripts=/usr/src/linux/scripts

#
# The checks, which run in the workshop. A finding is a line that begins with FILE:LINE:; lines without
# that can follow it. A check that cannot be done fails.
#

# sources FOLDER...: the C files there
sources() {
	find "$@" -name '*.[ch]' | sort
}

# sparse on the module, and the compiler with the kernel's further warnings. What is in the kernel's own
# headers is not for us. These headers have no KUnit: its suites are compiled, and not linked.
check_sparse() {
	local log=/tmp/sparse rc=0

	make -s "OUT=$out" KDIR="$(echo /usr/src/linux-headers-*-amd64)" TOYVPN_KUNIT=y TOYVPN_BENCH=m \
		KBUILD_MODPOST_WARN=1 modules W=1 C=2 CF=-D__CHECK_ENDIAN__ >"$log" 2>&1 || rc=$?
	sed -n "s|^.*$out/module/\([^ ]*:[0-9]*:.*\)|\1|p" "$log"
	((rc == 0)) || tail -n 20 "$log"
	return "$rc"
}

# checkpatch IGNORED-TYPES FILE...
checkpatch() {
	local ignored=$1

	shift
	# It is given whole paths, because it runs where it leaves no file.
	(cd /tmp && perl "$kernel_scripts/checkpatch.pl" --no-tree --strict --terse --show-types --quiet --no-summary \
		--ignore "$ignored" --file "${@/#/$checkout/}") || :
}

# What is ignored, and why:
#   LINUX_VERSION_CODE, CONSTANT_COMPARISON   compat.h is there to compare versions, and the latter takes
#                                             KERNEL_VERSION() for a variable
#   MACRO_WITH_FLOW_CONTROL   the one in compat.h is a whole function
#   CAMELCASE                 PRIu64 is C's own, and libFuzzer calls functions of such names
#   PREFER_KERNEL_TYPES       uint8_t and its like are what user space has; of tools/ it knows that
#   PREFER_DEFINED_ATTRIBUTE_MACRO   report.h is where the tool has its __printf() from
check_checkpatch() {
	local modules tools

	mapfile -t modules < <(sources kmod uapi | grep -vx kmod/compat.h)
	mapfile -t tools < <(sources tools selftests | grep -vx tools/report.h)
	checkpatch LINUX_VERSION_CODE,CONSTANT_COMPARISON,MACRO_WITH_FLOW_CONTROL kmod/compat.h
	checkpatch PREFER_DEFINED_ATTRIBUTE_MACRO tools/report.h
	checkpatch CAMELCASE,PREFER_KERNEL_TYPES "${tools[@]}"
	checkpatch NONE "${modules[@]}"
}

# The kernel's semantic patches but for two, which want a compiler of OCaml: one is about batteries, the
# other about 0 in place of NULL, which sparse finds.
check_coccicheck() {
	local patch log=/tmp/coccicheck

	for patch in "$kernel_scripts"/coccinelle/*/*.cocci; do
		! grep -q '^@.*script:ocaml\|^@script:ocaml' "$patch" || continue
		COCCI=$patch MODE=report J=1 srctree=/usr/src/linux KBUILD_EXTMOD=$checkout/kmod \
			bash "$kernel_scripts/coccicheck" >"$log" 2>&1 || { cat "$log" && return 1; }
		grep "^$checkout/" "$log" || :
	done
}

# clang's warnings and clang-tidy's (tools/.clang-tidy) about the tool. Of clang's all, but for:
#   padded, unsafe-buffer-usage, switch-default, cast-qual, cast-align   C as it is written here: the last
#                     two are what it takes to come from a member to its struct
#   reserved-*        _GNU_SOURCE is such a name
#   documentation*    comments are the kernel's kind, which kernel-doc looks at
#   pre-c11-compat, c23-extensions   it is C11, with GNU's { }
#   format-non-iso    which argument a format takes is said as POSIX has it
#   sign-conversion, implicit-int-conversion, implicit-int-float-conversion   a cast would say no more;
#                     that no bits are lost is what the fuzzers look for, as they run
check_clang() {
	local dir=$PWD/$out/clang ignored off

	ignored=(padded unsafe-buffer-usage switch-default cast-qual cast-align reserved-identifier
		reserved-macro-identifier documentation documentation-unknown-command pre-c11-compat c23-extensions format-non-iso
		sign-conversion implicit-int-conversion implicit-int-float-conversion)
	off="${ignored[*]/#/-Wno-}"
	rm -rf "$dir"
	# shellcheck disable=SC2016 # make puts the file's name there
	make -s -C tools "O=$dir" CC=clang \
		CFLAGS="-O2 -Weverything $off -fno-caret-diagnostics"' -MJ $(basename $@).json' 2>&1 |
		in_folder tools
	{ echo '[' && cat "$dir"/*.json | sed '$ s/,$//' && echo ']'; } >"$dir/compile_commands"
	mv "$dir/compile_commands" "$dir/compile_commands.json"
	clang-tidy --quiet -p "$dir" tools/*.c 2>/tmp/tidy | in_folder tools
	! grep -i 'error' /tmp/tidy
}

# gcc's analyzer on the tool. What main.c opens in the place of a closed stdout stays open on purpose.
check_analyzer() {
	local dir=$PWD/$out/analyzer

	rm -rf "$dir"
	# shellcheck disable=SC2016 # make puts the file's name there
	make -s -C tools "O=$dir" \
		CFLAGS='-O2 -fanalyzer -fno-diagnostics-show-caret $(if $(filter main.c,$<),-Wno-analyzer-fd-leak)' \
		2>&1 | in_folder tools
}

# Every shell script, also those that are sourced; .shellcheckrc says where these are.
check_shellcheck() {
	local scripts

	mapfile -t scripts < <(find .ci kmod selftests tools uapi -type f \
		-exec grep -lE -m 1 '^#!(/usr)?/bin/.*sh$|^# shellcheck shell=' {} +)
	shellcheck -x -f gcc "${scripts[@]}" || :
}

# Comments of functions that others call
check_kernel-doc() {
	local files

	mapfile -t files < <(sources kmod tools selftests)
	perl "$kernel_scripts/kernel-doc" -none -Wall "${files[@]}" 2>&1 | sed '/^[0-9]* \(warnings\|errors\)/d'
}

check_python() {
	find kmod selftests uapi -name '*.py' -print0 |
		PYTHONPYCACHEPREFIX=/tmp xargs -0 python3 -m compileall -q -f
	pyflakes3 kmod selftests uapi || :
}

# nd: a macro of manual pages; ect: of RFC 3168; shwo: what a test says to the tool; fro: as in to and fro
check_spelling() {
	codespell -L nd,ect,shwo,fro --skip selftests/fuzz/corpus .ci Kbuild Makefile README.md kmod selftests tools \
		uapi || :
}

# The fuzzers of what the tool reads
check_fuzz() {
	selftests/fuzz/run.sh inside 50000 1 '' | sed '/ texts of the corpus and /d'
}

#
# What runs them
#

# in_folder DIR: findings that name files in DIR as seen from there or in full
in_folder() {
	sed -E -e "s|^$checkout/||" -e "s|^([a-z0-9_-]+\.[ch]:[0-9]+:)|$1/\1|"
}

# findings FILE: how many
findings() {
	grep -E '^[^ :]+:[0-9]+:' "$1" | grep -cv ': note: \|^[^ ]*:    ' || :
}

# run CHECK: its output and status into files
run() {
	local rc=0

	"$0" inside-check "$1" >"/tmp/$1.out" 2>"/tmp/$1.err" || rc=$?
	echo "$rc" >"/tmp/$1.rc"
}

# report CHECK: show what it found, and count it
report() {
	local n

	sed -i "s|^$checkout/||" "/tmp/$1.out"
	n=$(findings "/tmp/$1.out")
	((total += n)) || :
	((n == 0)) || { echo "lint: $1: $n" && cat "/tmp/$1.out"; }
	if (($(<"/tmp/$1.rc"))) && ((n == 0)); then
		echo "lint: $1: cannot be done"
		cat "/tmp/$1.out" "/tmp/$1.err"
		((++total))
	fi
}

# Runs in the workshop.
inside() {
	local check total=0

	printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 "$0" inside-run
	for check; do
		report "$check"
	done
	if ((total)); then
		echo "lint: $total findings"
		return 1
	fi
	echo "lint: clean"
}

case ${1:-} in
inside) inside "${@:2}" ;;
inside-run) run "$2" ;;
inside-check) "check_$2" ;;
*)
	(($#)) || set -- "${checks[@]}"
	for check; do
		need check "$check" "${checks[@]}"
	done
	"$checkout/selftests/vm/workshop.sh"
	"$checkout/selftests/vm/enter.sh" "$(workshop_dir)/root" selftests/vm/lint.sh inside "$@"
	;;
esac

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh MACHINE: build module and tool for a machine, in the chroot of its guest's root.
#
# In build/MACHINE are then:
#   module/     a copy of the module's sources, so that suites never mix their objects
#   modules/    what modules_install adds to the guest's /lib/modules/RELEASE
#   tools/      toyvpnctl, and install/, what else its make install puts beside it
#   bench/      the traffic of make bench

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

machine=${1:?MACHINE}
need machine "$machine" "${all_machines[@]}"
out=$checkout/build/$machine

# Runs in the chroot. At /mnt is what kernel.sh made, if the kernel is one of those.
inside() {
	local make=(make -j2 "OUT=build/$machine" KCFLAGS=-Werror) lib

	lib=/lib/modules/$1
	if is_kernel "$machine"; then
		make+=(KDIR=/mnt/build TOYVPN_KUNIT=y)
		mkdir -p "$lib"
		mount --bind /mnt/modules "$lib"
	else
		make+=("KDIR=$lib/build" TOYVPN_BENCH=m)
	fi
	# modules_install and depmod write into a layer over what is there.
	mkdir /tmp/layer
	mount -t tmpfs layer /tmp/layer
	mkdir /tmp/layer/{upper,work}
	mount -t overlay -o "lowerdir=$lib,upperdir=/tmp/layer/upper,workdir=/tmp/layer/work" overlay "$lib"

	"${make[@]}" tools
	make -C selftests/bench "O=$PWD/build/$machine/bench"
	rm -rf "build/$machine/install"
	make -C tools "O=$PWD/build/$machine/tools" "DESTDIR=$PWD/build/$machine/install" install
	"${make[@]}" modules_install
	rm -rf "build/$machine/modules"
	if is_kernel "$machine"; then
		cp -r "$lib" "build/$machine/modules"
	else
		cp -r /tmp/layer/upper "build/$machine/modules"
	fi
}

build() {
	local dir

	dir=$(kernel_dir "$machine")
	BIND=$dir "$checkout/selftests/vm/enter.sh" "$(root_dir "$machine")/root" \
		selftests/vm/build.sh "$machine" inside "$(<"$dir/release")"
}

main() {
	need_root "building for $machine"
	say "$machine: building module and tool"
	logged "build-$machine" build
	# Warnings of modpost and objtool are no errors to make. The two that are about Debian's headers
	# say nothing about the module.
	if grep -i 'warning:' "$cache/log/build-$machine.log" |
		grep -v -e 'the compiler differs' -e "missing 'System.map'" >&2; then
		rm -f "$out"/module/*.ko
		die "$machine: the build has warnings; the whole log: $cache/log/build-$machine.log"
	fi
}

if [[ ${2:-} == inside ]]; then
	inside "$3"
else
	locked "build-$machine" main
fi

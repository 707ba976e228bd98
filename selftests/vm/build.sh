#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh SUITE: build module and tool for a suite, in the chroot of its guest's root.
#
# In build/SUITE are then:
#   module/     a copy of the module's sources, so that suites never mix their objects
#   modules/    what modules_install adds to the guest's /lib/modules/RELEASE
#   tools/      toyvpnctl, and install/, what else its make install puts beside it

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

suite=${1:?SUITE}
need_suite "$suite"
out=$checkout/build/$suite

# Runs in a mount namespace of its own: nothing stays mounted, whatever happens.
in_chroot() {
	local dir root release

	dir=$(root_dir "$suite")
	root=$dir/root
	release=$(<"$dir/release")
	mount --bind "$checkout" "$root$guest_checkout"
	mount -t proc proc "$root/proc"
	mount --rbind /dev "$root/dev"
	mount -t tmpfs tmp "$root/tmp"
	# modules_install and depmod write into a layer over the root's own modules.
	mount -t tmpfs layer "$root/mnt"
	mkdir "$root/mnt/upper" "$root/mnt/work"
	mount -t overlay -o "lowerdir=$root/lib/modules/$release,upperdir=$root/mnt/upper,workdir=$root/mnt/work" \
		overlay "$root/lib/modules/$release"
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		chroot "$root" bash "$guest_checkout/selftests/vm/build.sh" "$suite" inside "$release"
}

inside() {
	local make=(make -j2 "OUT=build/$suite" "KDIR=/lib/modules/$1/build" KCFLAGS=-Werror)

	cd "$guest_checkout"
	"${make[@]}" tools
	rm -rf "build/$suite/install"
	make -C tools "O=$PWD/build/$suite/tools" "DESTDIR=$PWD/build/$suite/install" install
	"${make[@]}" modules_install
	rm -rf "build/$suite/modules"
	cp -r /mnt/upper "build/$suite/modules"
}

namespace() {
	unshare -m bash "${BASH_SOURCE[0]}" "$suite" namespace
}

main() {
	need_root "building for $suite"
	say "$suite: building module and tool"
	logged "build-$suite" namespace
	# Warnings of modpost and objtool are no errors to make. The two that are about Debian's headers
	# say nothing about the module.
	if grep -i 'warning:' "$cache/log/build-$suite.log" |
		grep -v -e 'the compiler differs' -e "missing 'System.map'" >&2; then
		rm -f "$out"/module/*.ko
		die "$suite: the build has warnings; the whole log: $cache/log/build-$suite.log"
	fi
}

case ${2:-} in
namespace) in_chroot ;;
inside) inside "$3" ;;
*) locked "build-$suite" main ;;
esac

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh SUITE: build module and tool for a suite, in the chroot of its guest's root.
#
# In build/SUITE are then:
#   module/     a copy of the module's sources, so that suites never mix their objects
#   modules/    what modules_install adds to the guest's /lib/modules/RELEASE
#   tools/      toyvpnctl

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

suite=${1:?SUITE}
need_suite "$suite"
out=$checkout/build/$suite

# Bring the copy up to date; a file that did not change keeps its time, so that make skips it.
mirror_sources() {
	local file

	mkdir -p "$out/module"
	cd "$checkout"
	find Kbuild kmod uapi -type f -not -path 'kmod/*.o' | while read -r file; do
		cmp -s "$file" "$out/module/$file" || install -D -m 644 "$file" "$out/module/$file"
	done
	cd "$out/module"
	find kmod uapi -name '*.[ch]' -not -name '*.mod.c' | while read -r file; do
		[[ -e $checkout/$file ]] || rm "$file"
	done
}

# Runs in a mount namespace of its own: nothing stays mounted, whatever happens.
in_chroot() {
	local root=$cache/$suite/root release

	release=$(<"$cache/$suite/release")
	mount --make-rprivate /
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
	local kdir=/lib/modules/$1/build

	cd "$guest_checkout"
	if [[ -e Kbuild ]]; then
		make -j2 -C "$kdir" M="$PWD/build/$suite/module" KCFLAGS=-Werror modules
		make -C "$kdir" M="$PWD/build/$suite/module" INSTALL_MOD_DIR=updates modules_install
		rm -rf "build/$suite/modules"
		cp -r /mnt/upper "build/$suite/modules"
	fi
	[[ ! -e tools/Makefile ]] || make -j2 -C tools O="$PWD/build/$suite/tools" all
}

outside() {
	[[ ! -e $checkout/Kbuild ]] || mirror_sources
	unshare -m bash "${BASH_SOURCE[0]}" "$suite" namespace
}

main() {
	need_root "building for $suite"
	say "$suite: building module and tool"
	logged "build-$suite" outside
	# Warnings of modpost and objtool are no errors to make.
	if grep -i 'warning' "$cache/log/build-$suite.log" | grep -v 'compiler differs' >&2; then
		rm -f "$out"/module/*.ko
		die "$suite: the build has warnings; the whole log: $cache/log/build-$suite.log"
	fi
}

case ${2:-} in
namespace) in_chroot ;;
inside) inside "$3" ;;
*) locked "build-$suite" main ;;
esac

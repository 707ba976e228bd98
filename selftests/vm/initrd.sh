#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# initrd.sh MACHINE: make the initramfs with which a machine's kernel reaches the guest's root, if it
# is not there: busybox, a few modules, and ./init.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

machine=${1:?MACHINE}
need machine "$machine" "${all_machines[@]}"
dir=$(root_dir "$machine")
image=$(initrd "$machine")
vm=$checkout/selftests/vm

# What a guest needs before guest.sh runs: Debian's kernels have it as modules, ours built in.
# modprobe puts each after what it depends on.
modules=(virtio_pci virtio_blk ext4 overlay 9p 9pnet_virtio virtio_console)
! is_kernel "$machine" || modules=()

# The files of all modules, in the order in which they must be loaded.
module_files() {
	local module

	for module in "${modules[@]}"; do
		chroot "$dir/root" modprobe --set-version "$(<"$dir/release")" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

make_initrd() {
	local tree=$dir/root/initrd n=10 file

	rm -rf "$tree"
	mkdir -p "$tree"/{bin,dev,proc,sys,lower,rw,modules}
	cp "$dir/root/bin/busybox" "$tree/bin/"
	for file in $(module_files); do
		cp "$dir/root$file" "$tree/modules/$((n++))-${file##*/}"
	done
	install -m 755 "$vm/init" "$tree/init"
	chroot "$dir/root" sh -c 'cd /initrd && find . | busybox cpio -o -H newc' >"$image.new"
	rm -rf "$tree"
	mv "$image.new" "$image"
}

main() {
	[[ -e $image ]] || logged "initrd-$machine" make_initrd
}

# The root is where it is put together, so machines of a suite take turns.
locked "$(suite_of "$machine")" main

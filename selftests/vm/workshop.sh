#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# workshop.sh: make the workshop, if it is not there as this recipe wants it: a small Debian of the
# default suite with the kernel's sources and with the tools that build kernels, examine sources and
# report coverage. It is a chroot only (enter.sh), never booted.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=selftests/vm/debootstrap.sh
. "$(dirname "${BASH_SOURCE[0]}")/debootstrap.sh"

dir=$(workshop_dir)

wanted=(
	# kernels
	linux-source linux-headers-amd64 gcc make libc6-dev flex bison bc libelf-dev libssl-dev cpio kmod
	rsync xz-utils python3
	# module and tool
	pkgconf libmnl-dev libsodium-dev libjson-c-dev libnftables-dev libsqlite3-dev libsystemd-dev
	# what examines sources; coccinelle's Python is the library that libpython3-dev has the name of
	sparse coccinelle libpython3-dev clang clang-tidy libclang-rt-dev shellcheck perl git codespell
	pyflakes3 python3-yaml python3-cryptography
	# coverage
	gcovr
)

make_workshop() {
	debootstrap "$default_suite" "$1/root" "$(packages "${wanted[@]}")"
	mkdir -p "$1/root$guest_checkout"
	# Of the sources outside their archive: checkpatch, coccicheck and what they read.
	echo "I: unpacking the kernel's scripts"
	chroot "$1/root" bash -euo pipefail -c 'cd /usr/src
		mkdir linux
		tar -xf linux-source-*.tar.xz -C linux --strip-components=1 --wildcards "linux-source-*/scripts"'
}

[[ -e $dir ]] || "$checkout/selftests/vm/host.sh"
cached workshop "$dir" "making the workshop, a Debian to build kernels in" make_workshop

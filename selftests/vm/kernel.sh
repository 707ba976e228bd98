#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh KERNEL: build one of the kernels that look for defects, if it is not there as this recipe
# wants it: debug or kcsan, from the default suite's linux-source package, with the options in
# kernel/guest.config and kernel/KERNEL.config on top of tinyconfig.
#
# In the folder that kernel_dir names are then:
#   vmlinuz     the kernel, release its version
#   build/      what modules are built with, as linux-headers packages have it
#   modules/    its own modules, as modules_install leaves them
#   used        as old as the last use

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

kernel=${1:?KERNEL}
need kernel "$kernel" "${all_kernels[@]}"
vm=selftests/vm

# What was asked for and did not take, be it for a dependency or a name that is gone: an option that is
# silently off finds nothing.
not_taken() {
	local line

	grep -hE '^(# )?CONFIG_' "$@" | while read -r line; do
		case $line in
		'# '*) ! grep -q "^$(cut -d' ' -f2 <<<"$line")=" .config || echo "$line" ;;
		*) grep -qxF "$line" .config || echo "$line" ;;
		esac
	done
}

# watch_only DIR...: KASAN and UBSAN watch what may come by an object of ours. Processes, files and memory
# itself are most of what a guest does, and lockdep and stack traces are asked at each step of it.
watch_only() {
	local makefile

	find arch/x86 block crypto drivers fs init ipc kernel lib mm net security -name Makefile |
		grep -vE "^($(tr ' ' '|' <<<"$*"))/" | while read -r makefile; do
		# Some lack the end of their last line.
		printf '\n%s_SANITIZE := n' KASAN UBSAN >>"$makefile"
	done
	printf '\nKASAN_SANITIZE_workqueue.o := y\n' >>kernel/Makefile
	printf '\nKASAN_SANITIZE_lockdep.o := n\n' >>kernel/locking/Makefile
}

# Runs in the workshop, with the folder to fill at /mnt.
inside() {
	local fragments=("$PWD/$vm/kernel/guest.config" "$PWD/$vm/kernel/$kernel.config") rest
	local make=(make -s "-j$(nproc)" LOCALVERSION= "KBUILD_BUILD_TIMESTAMP=@0" KBUILD_BUILD_USER=toyvpn
		KBUILD_BUILD_HOST=toyvpn)

	# KCSAN watches what is compiled for it: the module alone, so that each report is about us.
	[[ $kernel != kcsan ]] || make+=(KCSAN_SANITIZE=n)
	mkdir /mnt/src
	cd /mnt/src
	echo "I: unpacking $(basename /usr/src/linux-source-*.tar.xz)"
	tar -xf /usr/src/linux-source-*.tar.xz --strip-components=1
	watch_only crypto drivers/net kernel/locking kernel/time lib net
	"${make[@]}" tinyconfig
	scripts/kconfig/merge_config.sh -m .config "${fragments[@]}" >/dev/null
	"${make[@]}" olddefconfig
	rest=$(not_taken "${fragments[@]}")
	if [[ -n $rest ]]; then
		printf 'these options did not take:\n%s\n' "$rest"
		return 1
	fi
	echo "I: compiling, about 10 minutes on two processors"
	"${make[@]}" bzImage modules
	cp arch/x86/boot/bzImage /mnt/vmlinuz
	cp include/config/kernel.release /mnt/release
	mkdir /mnt/modules
	"${make[@]}" INSTALL_MOD_PATH=/mnt/modules modules_install
	rm -f /mnt/modules/lib/modules/*/build
	mv /mnt/modules/lib/modules/*/* /mnt/modules/
	rm -r /mnt/modules/lib
	"${make[@]}" run-command KBUILD_RUN_COMMAND='scripts/package/install-extmod-build /mnt/build'
	cp .config System.map /mnt/build/
	cd /
	rm -rf /mnt/src
}

build() {
	BIND=$1 "$checkout/$vm/enter.sh" "$(workshop_dir)/root" "$vm/kernel.sh" "$kernel" inside
}

if [[ ${2:-} == inside ]]; then
	inside
else
	dir=$(kernel_dir "$kernel")
	[[ -e $dir ]] || "$checkout/$vm/workshop.sh"
	cached "kernel-$kernel" "$dir" "building the kernel" build
fi

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# host.sh: install what booting guests needs on this machine, if it is missing.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The first Debian whose own QEMU emulates AES with the processor's instructions, several times
# faster than before; an older Debian gets QEMU from its backports.
qemu_wanted=10

declare -A package=(
	[qemu-system-x86_64]=qemu-system-x86
	[mmdebstrap]=mmdebstrap
	[mke2fs]=e2fsprogs
	[setpriv]=util-linux
)

missing() {
	local cmd

	for cmd in "${!package[@]}"; do
		command -v "$cmd" >/dev/null || echo "${package[$cmd]}"
	done
}

qemu_version() {
	qemu-system-x86_64 --version 2>/dev/null | sed -n 's/.* version \([0-9]*\).*/\1/p'
}

# apt with a configuration of our own that knows the backports as well, so that this machine's
# sources stay as they are. Signatures are checked against the distribution's keys as ever.
apt_backports() {
	local apt=$cache/apt site

	mkdir -p "$apt"/{parts,lists/partial,cache/archives/partial}
	cp -r /etc/apt/sources.list.d/. "$apt/parts/"
	[[ ! -e /etc/apt/sources.list ]] || cp /etc/apt/sources.list "$apt/parts/host.list"
	site=$(debian_archive)
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $codename-backports main" \
		>"$apt/parts/toyvpn-backports.list"
	local options=(-o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$apt/parts"
		-o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache")
	echo "I: apt-get update, with $codename-backports"
	apt-get "${options[@]}" -q update
	apt-get "${options[@]}" -q -y --no-install-recommends "$@"
}

install_packages() {
	local packages

	export DEBIAN_FRONTEND=noninteractive
	echo "I: apt-get update"
	apt-get -q update
	# The keys of all suites that guests are made of: older versions of this package lack some.
	mapfile -t packages < <(missing)
	if [[ " ${packages[*]} " == *" qemu-system-x86 "* ]] || (($(qemu_version) < qemu_wanted)); then
		if [[ $codename == bookworm ]]; then
			echo "I: apt-get install qemu-system-x86 from $codename-backports"
			apt_backports install -t "$codename-backports" qemu-system-x86 ||
				apt-get -q -y --no-install-recommends install qemu-system-x86
		fi
	fi
	echo "I: apt-get install ${packages[*]}"
	apt-get -q -y --no-install-recommends install debian-archive-keyring "${packages[@]}"
}

main() {
	[[ -n $(missing) ]] || return 0
	need_root "installing $(missing | tr '\n' ' ')"
	say "installing on this machine: $(missing | tr '\n' ' ')(log: $cache/log/host.log)"
	logged host install_packages
}

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
locked host main

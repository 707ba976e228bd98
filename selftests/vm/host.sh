#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# host.sh: install what booting guests needs on this machine, if it is missing.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

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
	mapfile -t packages < <(missing)
	# QEMU 10 uses the processor's AES instructions to emulate those of the guest, QEMU 7 does not.
	if [[ $codename == bookworm && " ${packages[*]} " == *" qemu-system-x86 "* ]]; then
		echo "I: apt-get install qemu-system-x86 from $codename-backports"
		apt_backports install -t "$codename-backports" qemu-system-x86 ||
			echo "I: not there, so the one of $codename"
	fi
	# The keyring, because older ones lack the keys of newer suites.
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

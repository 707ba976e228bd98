# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What roots are made with; root.sh and workshop.sh source it.

# debootstrap SUITE DIR OPTION...: make DIR a small Debian of a suite, whose packages and further
# options of mmdebstrap follow. Of no use there: an initramfs (INITRD=No), manuals, translations.
debootstrap() {
	local suite=$1 dir=$2 opts=() site

	shift 2
	site=$(debian_archive)
	# forky is not released: its Release file may be past its date. Signatures hold as ever.
	[[ $suite != forky ]] || opts+=(--aptopt='Acquire::Check-Valid-Until "false"')
	INITRD=No mmdebstrap --variant=minbase --format=directory "${opts[@]}" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		"$@" "$suite" "$dir" "$site"
}

# packages NAME...: the option that installs them
packages() {
	local IFS=,

	echo "--include=$*"
}

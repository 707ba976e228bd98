#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is generated from uapi/toyvpn.yaml is what the kernel's generator makes of it today.
# suites: all

. "$(dirname "$0")/lib.sh"

top=$(dirname "$selftests")
files=(uapi/linux/toyvpn.h kmod/netlink-gen.c kmod/netlink-gen.h)

if [[ -d /usr/src/ynl ]] || grep -q "^VERSION_CODENAME=forky" /etc/os-release; then
	"$top/uapi/generate.sh" "$tmp/generated"
	for file in "${files[@]}"; do
		check "$file" diff -u "$top/$file" "$tmp/generated/${file##*/}"
	done
else
	for file in "${files[@]}"; do
		skip "$file" "the generator is in the guest of forky"
	done
fi

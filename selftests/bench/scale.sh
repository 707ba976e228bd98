#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # variables of lib.sh
# scale.sh TUNNEL PEERS...: what it costs to configure so many peers from a file and to dump them, and
# the kernel's memory for an idle one. Runs in the guest; lines on file descriptor 3 as in measure.sh,
# of memory the bytes in place of ns.

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=selftests/lib.sh
. "$here/../lib.sh"
# shellcheck source=selftests/bench/tunnels.sh
. "$here/tunnels.sh"

# free_memory: bytes, once all that is only kept for later is given back
free_memory() {
	sleep 3
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '$1 == "MemFree:" { printf "%.0f\n", $2 * 1024 }' /proc/meminfo
}

# costs WHAT CMD...: a line of what CMD costs
costs() {
	local what=$1 before after

	shift
	read -r -a before <"$clock"
	"$@"
	read -r -a after <"$clock"
	line "$what" "$((after[0] - before[0]))" "$((after[1] - before[1]))"
}

# line WHAT BUSY ELAPSED
line() {
	echo "$name $1-$peers $peers $2 $3" >&3
}

# dump FILE
dump() {
	on lone "$tool" show vpn0 dump >"$1"
}

# all: of so many peers
all() {
	local before after

	{
		printf '[Interface]\nPrivateKey = %s\n' "$(wg genkey)"
		idle_peers "$peers"
	} >"$tmp/conf"
	ip -n lone link add vpn0 type "$kind"
	before=$(free_memory)
	costs configure on lone "$tool" setconf vpn0 "$tmp/conf"
	after=$(free_memory)
	line memory "$((before - after))" 0
	: >"$tmp/dump"
	costs dump dump "$tmp/dump"
	(($(wc -l <"$tmp/dump") == peers + 1))
	ip -n lone link del vpn0
}

name=$1 kind=toyvpn tool=toyvpnctl
[[ $1 != wireguard ]] || kind=wireguard tool=wg
shift
clock=/sys/module/toyvpn_bench/parameters/clock
ns lone
for peers in "$@"; do
	all
	ok "$peers peers"
done

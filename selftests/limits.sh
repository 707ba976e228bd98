#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The limits that README.md lists: what is within them works, what is past them ends as it says there.
# clock: virtual
# timeout: 3000

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

cgroup=/sys/fs/cgroup

# peer_with COUNT: a file with the peer $another, which has so many allowed IPs
peer_with() {
	{
		printf '[Peer]\nPublicKey=%s\nAllowedIPs=' "$another"
		python3 -c 'import sys
print(",".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(int(sys.argv[1]))))' "$1"
	} >"$tmp/conf"
}

# poor MEMORY CMD...: this shell, which is one of check's, has no more than that; nor has the kernel for it
poor() {
	echo "$1" >"$cgroup/poor/memory.max"
	echo "$BASHPID" >"$cgroup/poor/cgroup.procs"
	"${@:2}"
}

known() {
	on left toyvpnctl show vpn0 peers | wc -l
}

user_space_peer 4
# Where answers to sources that are not there go
ip -n left route add 198.18.0.0/15 via "${outer4[right]}"
ip -n left route add 2001:db8:1000::/36 via "${outer6[right]}"
another=$(toyvpnctl genkey | toyvpnctl pubkey)
peer_with $(((1 << 20) + 1))
check_refused "1,048,577 allowed IPs in one change are refused" "too many allowed IPs for one peer" \
	on left toyvpnctl addconf vpn0 "$tmp/conf"
check_equal "and nothing of that peer is there" 1 "$(known)"
peer_with 200000
if grep -qw memory "$cgroup/cgroup.controllers"; then
	echo +memory >"$cgroup/cgroup.subtree_control"
	mkdir "$cgroup/poor"
	defer rmdir "$cgroup/poor"
	check_refused "more allowed IPs than there is memory for are refused" "Cannot allocate memory" \
		poor 32M on left toyvpnctl addconf vpn0 "$tmp/conf"
	check_equal "and nothing of that peer is there" 1 "$(known)"
	check "but with more memory" poor 256M on left toyvpnctl addconf vpn0 "$tmp/conf"
	check_equal "it is" 2 "$(known)"
	on left toyvpnctl set vpn0 peer "$another" remove
else
	skip "more allowed IPs than there is memory for are refused" "this kernel does not limit memory"
fi
as_peer limits.py

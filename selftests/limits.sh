#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The limits that README.md lists: what is within them works, what is past them ends as it says there.
# clock: virtual
# timeout: 3000

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# too_many: a peer with more allowed IPs than one change may have
too_many() {
	{
		printf '[Peer]\nPublicKey=%s\nAllowedIPs=' "$(toyvpnctl genkey | toyvpnctl pubkey)"
		python3 -c 'print(",".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
			for n in range((1 << 20) + 1)))'
	} >"$tmp/conf"
	on left toyvpnctl addconf vpn0 "$tmp/conf"
}

user_space_peer 4
# Where answers to sources that are not there go
ip -n left route add 198.18.0.0/15 via "${outer4[right]}"
ip -n left route add 2001:db8:1000::/36 via "${outer6[right]}"
check_refused "1,048,577 allowed IPs in one change are refused" "too many allowed IPs for one peer" too_many
check_equal "and nothing of that peer is there" 1 "$(on left toyvpnctl show vpn0 peers | wc -l)"
as_peer limits.py

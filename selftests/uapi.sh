#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The netlink family: strict about what it takes, clear about why not, silent about keys.
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# Goes before a command that is to run without any privilege.
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)

# own_namespace: whoever owns a network namespace may have a tunnel in it, and see its keys
own_namespace() {
	"${nobody[@]}" unshare --user --map-root-user --net bash -euxc "
		ip link add vpn0 type toyvpn
		toyvpnctl genkey | toyvpnctl set vpn0 private-key /dev/stdin listen-port 1234 \
			peer ${key[right]} allowed-ips 10.9.0.2/32
		[[ \$(toyvpnctl show vpn0 private-key) != '(none)' ]]
		ip link del vpn0"
}

outside
vpn_link left
vpn_link right
toyvpnctl genpsk >"$tmp/psk"
on left toyvpnctl set vpn0 peer "${key[right]}" preshared-key "$tmp/psk" allowed-ips 10.9.0.2/32
results on left uapi.py
results on left "${nobody[@]}" uapi.py
check "ethtool names the driver" grep -x "driver: toyvpn" <(on left ethtool -i vpn0)
check "an owner of a namespace has all rights in it" own_namespace

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The main job: a client reaches a third network through the tunnel and the server's masquerading.
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# web: a server out on the internet, behind right, which knows nothing of the tunnel
web() {
	ns web
	veth_pair right wan web eth0
	addr right wan 203.0.113.1/24 2001:db8:3::1/64
	addr web eth0 203.0.113.80/24 2001:db8:3::80/64
	head -c 1500000 /dev/urandom >"$tmp/file"
	spawn on web python3 -m http.server --directory "$tmp" --bind :: 80 >/dev/null 2>&1
}

# gateway: left sends everything but the tunnel itself through right, which masquerades
gateway() {
	on left toyvpnctl set vpn0 peer "${key[right]}" allowed-ips 0.0.0.0/0,::/0
	ip -n left route add default dev vpn0
	ip -n left -6 route add default dev vpn0
	forwarding right
	on right nft -f - <<-EOF
	table inet nat {
		chain postrouting {
			type nat hook postrouting priority srcnat
			iifname vpn0 oifname wan masquerade
		}
	}
	EOF
}

# download ADDRESS: through tunnel and NAT, compared with what the server has
download() {
	on left curl -sS --max-time 60 --retry 5 --retry-connrefused -o "$tmp/copy" "http://$1/file"
	cmp "$tmp/file" "$tmp/copy"
}

# masqueraded: the server never saw an address of the tunnel
masqueraded() {
	on right conntrack -L -s "${inner4[left]}" -d 203.0.113.80 2>/dev/null | grep 'dst=203.0.113.1 '
}

upload() {
	local server

	background on web ncat -l --recv-only 9000 >"$tmp/received"
	server=$!
	wait_for 10 listening
	on left ncat --send-only 203.0.113.80 9000 <"$tmp/file"
	wait "$server"
	cmp "$tmp/file" "$tmp/received"
}

listening() {
	on web ss -Hltn 'sport = :9000' | grep -q 9000
}

# wait_and_pass: a handshake takes so long that five pings wait for it; they arrive at once, and are the
# first of their flow
wait_and_pass() {
	modprobe sch_netem 2>/dev/null || :
	on left tc qdisc add dev eth0 root netem delay 1s
	pings left 203.0.113.80 -c 5
	on left tc qdisc del dev eth0 root
}

tunnel_pair 4
web
gateway
check "pings that wait for a session all get through NAT" wait_and_pass
check "ping, IPv4" pings left 203.0.113.80
check "ping, IPv6" pings left 2001:db8:3::80
check "HTTP download, IPv4" download 203.0.113.80
check "HTTP download, IPv6" download '[2001:db8:3::80]'
check "it went through NAT" masqueraded
check "upload" upload
# The same with iptables, which many still use.
check "masquerading by iptables" on right bash -c '
	nft flush ruleset
	iptables -t nat -A POSTROUTING -s 10.9.0.0/24 -o wan -j MASQUERADE'
check "HTTP download once more" download 203.0.113.80
# A client's MSS can be clamped to what fits into the tunnel.
check "MSS clamping by nftables" on right nft '
	add table inet mangle
	add chain inet mangle forward { type filter hook forward priority mangle; }
	add rule inet mangle forward tcp flags syn tcp option maxseg size set rt mtu'
check "HTTP download with a clamped MSS" download 203.0.113.80

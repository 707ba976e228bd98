#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Autoconf: a client takes address, routes, name servers and MTU from its server, and follows when they
# change.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

conf=$tmp/home.conf

# gives BYTES: the server gives this (in printf's language), which is section 6 of kmod/PROTOCOL.md
gives() {
	# shellcheck disable=SC2059
	printf "$1" >"$tmp/config"
	on right toyvpnctl set vpn0 peer "${key[left]}" config-file "$tmp/config"
}

address='\x01\x00\x06\x00\x04\x18\x0a\x09\x00\x01'	# 10.9.0.1/24
other='\x01\x00\x06\x00\x04\x18\x0a\x09\x00\x05'	# 10.9.0.5/24
route='\x02\x00\x06\x00\x04\x18\xcb\x00\x71\x00'	# 203.0.113.0/24
world='\x02\x00\x06\x00\x04\x00\x00\x00\x00\x00'	# 0.0.0.0/0
dns='\x03\x00\x06\x00\x04\x00\x0a\x09\x00\x02'		# 10.9.0.2
another_dns='\x03\x00\x06\x00\x04\x00\x0a\x09\x00\x03'	# 10.9.0.3
search='\x04\x00\x0b\x00inside.test'
mtu='\x05\x00\x02\x00\x14\x05'				# 1300
keepalive='\x06\x00\x02\x00\x19\x00'			# 25

write_conf() {
	cat >"$conf" <<-END
	[Interface]
	PrivateKey = $(<"$tmp/left.key")
	Autoconf = yes
	${1:-}
	[Peer]
	PublicKey = ${key[right]}
	Endpoint = 192.0.2.2:$port
	END
}

# has PATTERN CMD...: a line of what CMD prints at left has it
has() {
	local pattern=$1 printed

	shift
	printed=$(on left "$@")
	grep -q -- "$pattern" <<<"$printed" || {
		echo "$* prints $printed"
		return 1
	}
}

has_all() {
	has 'inet 10.9.0.1/24' ip addr show dev home
	has '^203.0.113.0/24 dev home' ip route
	has '^nameserver 10.9.0.2$' cat /etc/resolv.conf
	has '^search inside.test$' cat /etc/resolv.conf
	has '^1300$' cat /sys/class/net/home/mtu
	has '25$' toyvpnctl show home persistent-keepalive
	pings left 203.0.113.7
}

umask 077
ns left right
veth_pair left eth0 right eth0
addr left eth0 192.0.2.1/24
addr right eth0 192.0.2.2/24
mkdir -p /etc/netns/left
defer rm -rf /etc/netns/left
echo "nameserver 192.0.2.53" >/etc/netns/left/resolv.conf
far_end 10.9.0.1/32,10.9.0.5/32 10.9.0.2/24 203.0.113.7/32
write_conf

nothing_given() {
	local status=0

	on left toyvpnctl up "$conf" 2>"$tmp/err" || status=$?
	cat "$tmp/err"
	((status == 1))
	grep -q "the server gives nothing" "$tmp/err"
	if ip -n left link show dev home; then
		return 1
	fi
}
check "a server that gives nothing: an error, and all is undone" nothing_given
gives "\x01\x00\x01\x00\x09"
broken() {
	local status=0

	on left toyvpnctl up "$conf" 2>"$tmp/err" || status=$?
	((status == 1))
	grep -q "the server gives an address that cannot be one" "$tmp/err"
}
check "nonsense: an error" broken

gives "$address$route$dns$search$mtu$keepalive"
check "up" on left toyvpnctl up "$conf"
check "all of it is there" has_all
reloaded() {
	on left toyvpnctl reload "$conf"
	has_all
}
check "after a reload as well" reloaded
check "down" on left toyvpnctl down home
check "nothing is left" has '^nameserver 192.0.2.53$' cat /etc/resolv.conf
write_conf $'Address = 10.9.0.5/24\nMTU = 1280\nDNS = 10.9.0.77'
own() {
	on left toyvpnctl up "$conf"
	has 'inet 10.9.0.5/24' ip addr show dev home
	has '^203.0.113.0/24 dev home' ip route
	has '^nameserver 10.9.0.77$' cat /etc/resolv.conf
	has '^1280$' cat /sys/class/net/home/mtu
	on left toyvpnctl down home
}
check "what the file names, the server does not change" own

write_conf
background on left toyvpnctl up "$conf" --stay >"$tmp/log" 2>&1
defer kill_and_wait $!
check "up --stay" wait_for 30 has_all
has_nothing_old() {
	if has '10.9.0.1/24' ip addr show dev home || has '^203.0.113.0/24' ip route; then
		return 1
	fi
}
follows() {
	gives "$other$world$dns"
	on left toyvpnctl set home peer "${key[right]}" connect
	wait_for 30 has 'inet 10.9.0.5/24' ip addr show dev home
	wait_for 30 has '^default dev home' ip route show table all
	wait_for 30 has 'suppress_prefixlength' ip rule
	has '^1420$' cat /sys/class/net/home/mtu
	wait_for 30 has_nothing_old
	pings left 203.0.113.7
}
check "the server gives something else: it follows" follows
cannot() {
	# Its resolv.conf is mounted from here.
	echo '# by "toyvpnctl up", until "toyvpnctl down work"' >/etc/netns/left/resolv.conf
	gives "$other$world$another_dns"
	on left toyvpnctl set home peer "${key[right]}" connect
	wait_for 30 grep "is another tunnel's" "$tmp/log"
	echo "nameserver 192.0.2.53" >/etc/netns/left/resolv.conf
	on left toyvpnctl set home peer "${key[right]}" connect
	wait_for 30 has '^nameserver 10.9.0.3$' cat /etc/resolv.conf
}
check "what could not be applied is tried again with the next session" cannot
check "its log" cat "$tmp/log"
check "down" on left toyvpnctl down home

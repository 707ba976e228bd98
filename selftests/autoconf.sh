#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Autoconf: a client takes address, routes, name servers and MTU from its server, and follows when they
# change, all of it or nothing.
# clock: virtual

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
lan='\x02\x00\x06\x00\x04\x18\xc0\xa8\x01\x00'		# 192.168.1.0/24
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

#
# What cannot be applied
#

ip -n left link add lan type dummy
ip -n left link set lan up
ip -n left route add 192.168.1.0/24 dev lan

# fails_for_lan FILE: one error, which is about that route
fails_for_lan() {
	[[ $(grep '^toyvpnctl:' "$1") == "toyvpnctl: home: route 192.168.1.0/24: File exists" ]]
}
gives "$address$world$lan$dns"
refused() {
	local status=0

	on left toyvpnctl up "$conf" >"$tmp/log" 2>&1 || status=$?
	cat "$tmp/log"
	((status == 1))
	fails_for_lan "$tmp/log"
	if ip -n left link show dev home; then
		return 1
	fi
}
check "a route that is there already: an error, and all is undone" refused

# stay: up --stay; it tells a service manager, which is a file
spawn socat -u "UNIX-RECV:$tmp/manager" "CREATE:$tmp/told"
wait_for 10 test -S "$tmp/manager"
stay() {
	: >"$tmp/log"
	spawn on left env "NOTIFY_SOCKET=$tmp/manager" toyvpnctl up "$conf" --stay >"$tmp/log" 2>&1
	stay=$!
}
# status_is STATUS TEXT: toyvpnctl status ends so, with this in its line
status_is() {
	local status=0

	on left toyvpnctl status home >"$tmp/status" || status=$?
	cat "$tmp/status"
	[[ $status == "$1" ]]
	grep -q "$2" "$tmp/status"
}
lacks=': what the server gives is not applied: route 192.168.1.0/24: File exists$'
# once_a_session: it has said so for each session so far
once_a_session() {
	local sessions errors

	sessions=$(on left ethtool -S home | awk '$1 == "handshakes_completed:" { print $2 }')
	errors=$(grep -c '^toyvpnctl:' "$tmp/log" || :)
	echo "$errors errors of $sessions sessions"
	((errors > 0 && errors == sessions))
}
# has_none PATTERN CMD...: no line of what CMD prints at left has it
has_none() {
	local pattern=$1 printed

	shift
	printed=$(on left "$@")
	if grep -- "$pattern" <<<"$printed"; then
		return 1
	fi
}
applies_nothing() {
	wait_for 30 status_is 4 "^home: Connecting.*$lacks"
	has_none 'inet 10.9.0' ip addr show dev home
	has_none 'home' ip route show table all type unicast scope link
	has_none 'lookup 5182' ip rule
	has '^nameserver 192.0.2.53$' cat /etc/resolv.conf
	[[ $(on left toyvpnctl status home --json | jq -r '.[].state') == connecting ]]
}
not_ready() {
	# Longer than for a server that does not answer
	pass 30
	has_none 'READY' cat "$tmp/told"
	has_none ' connected in' cat "$tmp/log"
	once_a_session
}
stay
check "up --stay: none of it is applied, and status says why" applies_nothing
check "it is not connected, and says why once a session" not_ready
has_world() {
	wait_for 30 has '^default dev home' ip route show table all
	wait_for 30 status_is 0 '^home: Connected'
	has 'inet 10.9.0.1/24' ip addr show dev home
	has 'lookup 5182' ip rule
	has '^nameserver 10.9.0.2$' cat /etc/resolv.conf
	pings left 203.0.113.7
}
applies_all() {
	ip -n left route del 192.168.1.0/24
	on left toyvpnctl set home peer "${key[right]}" connect
	has_world
	has '^192.168.1.0/24 dev home' ip route
	grep ' connected in' "$tmp/log"
	wait_for 10 grep READY "$tmp/told"
}
check "when it can be applied, it is with the next session" applies_all
gives "$address$world$dns"
check "without that route" on left toyvpnctl set home peer "${key[right]}" connect
no_lan() {
	has_none '192.168.1.0' ip route
}
check "it goes" wait_for 30 no_lan
ip -n left route add 192.168.1.0/24 dev lan
keeps_world() {
	gives "$other$mtu$route$lan$another_dns"
	on left toyvpnctl set home peer "${key[right]}" connect
	wait_for 30 status_is 4 "$lacks"
	has '^default dev home' ip route show table all
	has_none '10.9.0.5' ip addr show dev home
	has 'inet 10.9.0.1/24' ip addr show dev home
	has_none '203.0.113.0/24' ip route
	has '^1420$' cat /sys/class/net/home/mtu
	has '^nameserver 10.9.0.2$' cat /etc/resolv.conf
	pings left 203.0.113.7
}
check "of another configuration that fails, nothing is there, and all of the one before" keeps_world
reload_fails() {
	local status=0

	on left toyvpnctl reload "$conf" 2>"$tmp/err" || status=$?
	((status == 1))
	fails_for_lan "$tmp/err"
	status_is 4 "$lacks"
	pings left 203.0.113.7
}
check "a reload fails, and changes nothing" reload_fails
kill_and_wait "$stay"
stay
goes_on() {
	wait_for 30 grep 'next session' "$tmp/log"
	pings left 203.0.113.7
	status_is 4 "$lacks"
}
check "another process goes on with what is applied" goes_on
follows_at_last() {
	ip -n left route del 192.168.1.0/24
	on left toyvpnctl set home peer "${key[right]}" connect
	wait_for 30 status_is 0 '^home: Connected'
	has 'inet 10.9.0.5/24' ip addr show dev home
	has '^192.168.1.0/24 dev home' ip route
	has_none 'inet 10.9.0.1/24' ip addr show dev home
	has_none '^default dev home' ip route show table all
	has '^1300$' cat /sys/class/net/home/mtu
	pings left 203.0.113.7
}
check "and follows when it can" follows_at_last
check "its log" cat "$tmp/log"
check "down" on left toyvpnctl down home

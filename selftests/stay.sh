#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# up --stay: connected whatever the network does: other networks, another family, a server that is away,
# a name with several addresses, suspend.
# clock: virtual
# timeout: 18000

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

#	        / wifi 192.0.2.0/24, 2001:db8:1::/64 \
#	left --+                                      +-- router -- 203.0.113.0/24, 2001:db8:9::/64 -- right
#	        \ lte 198.51.100.0/24                /
conf=$tmp/home.conf
log=$tmp/log

network() {
	ns left router right
	veth_pair left wifi router wifi
	veth_pair left lte router lte
	veth_pair router eth0 right eth0
	addr router wifi 192.0.2.254/24 2001:db8:1::fe/64
	addr router lte 198.51.100.254/24
	addr router eth0 203.0.113.254/24 2001:db8:9::fe/64
	addr right eth0 203.0.113.1/24 203.0.113.2/24 2001:db8:9::1/64
	ip -n right route add default via 203.0.113.254
	ip -n right -6 route add default via 2001:db8:9::fe
	forwarding router
	on right sysctl -qw net.ipv4.conf.all.promote_secondaries=1
	on router nft -f - <<-EOF
	table inet attempts {
		counter seen { }
		chain prerouting {
			type filter hook prerouting priority 0;
			udp dport $port counter name seen
		}
	}
	EOF
	mkdir -p /etc/netns/left
	defer rm -rf /etc/netns/left
	: >/etc/netns/left/resolv.conf
}

# on_wifi, on_lte, offline: what networks left is on
on_wifi() {
	addr left wifi 192.0.2.1/24 2001:db8:1::1/64
	ip -n left route replace default via 192.0.2.254
	ip -n left -6 route replace default via 2001:db8:1::fe
}

off_wifi() {
	ip -n left addr flush dev wifi scope global
}

on_lte() {
	addr left lte 198.51.100.1/24
	ip -n left route add default via 198.51.100.254 metric 50
}

off_lte() {
	ip -n left addr flush dev lte scope global
}

# names NAME ADDRESS...: what the name is at left
names() {
	local name=$1 address

	shift
	echo "127.0.0.1 localhost" >/etc/netns/left/hosts
	for address; do
		echo "$address $name"
	done >>/etc/netns/left/hosts
}

write_conf() {
	cat >"$conf" <<-END
	[Interface]
	PrivateKey = $(<"$tmp/left.key")
	Address = 10.9.0.1/24, fd09::1/64
	[Peer]
	PublicKey = ${key[right]}
	Endpoint = $1
	AllowedIPs = 10.9.0.0/24, fd09::/64
	${2:-}
	END
}

# begin ENDPOINT [PEER-LINES]: up --stay, until it says that it is connected. Its process is in
# $tmp/pid, and what it ended with in $tmp/status.
begin() {
	write_conf "$@"
	: >"$log"
	rm -f "$tmp/status" "$tmp/pid"
	{
		status=0
		# shellcheck disable=SC2016 # for the shell there
		on left bash -c 'echo $$ >"$1"; exec toyvpnctl up "$2" --stay' - "$tmp/pid" "$conf" || status=$?
		echo "$status" >"$tmp/status"
	} </dev/null >>"$log" 2>&1 &
	says connected
}

# process SIGNAL: to the process of begin
process() {
	kill "$1" "$(<"$tmp/pid")"
}

# ends STATUS: it ends, or has ended, so
ends() {
	wait_for 30 test -s "$tmp/status"
	[[ $(<"$tmp/status") == "$1" ]]
}

end_process() {
	process -9 2>/dev/null || :
}

# says TEXT [COUNT]: it says so, so often since the begin, soon
says() {
	wait_for 40 said "$@" || {
		cat "$log"
		return 1
	}
}

said() {
	(($(grep -c -- "$1" "$log" || :) >= ${2:-1}))
}

count() {
	grep -c -- "$1" "$log" || :
}

state_is() {
	wait_for 60 in_state "$1" || {
		on left toyvpnctl status home || :
		return 1
	}
}

# in_time SECONDS CMD...: as wait_for, for what may take minutes: to look often is what costs then
in_time() {
	local seconds=$1 passed=0

	shift
	until "$@"; do
		((passed < seconds)) || return 1
		pass 10
		passed=$((passed + 10))
	done
}

in_state() {
	[[ $(on left toyvpnctl status home --json | jq -r '.[0].state') == "$1" ]]
}

endpoint_is() {
	[[ $(on left toyvpnctl show home endpoints | cut -f 2) == "$1" ]]
}

# attempts: how many datagrams for the server the router has seen
attempts() {
	on router nft -j list counter inet attempts seen | jq '.nftables[] | select(.counter).counter.packets'
}

end_stay() {
	on left toyvpnctl down home
	ends 0
}

listens() {
	[[ $(on right ss -Hltn 'sport = :7777') ]]
}

# One TCP connection through the tunnel, in both directions, that has to outlive everything.
talk_begins() {
	spawn on right socat TCP-LISTEN:7777,bind=10.9.0.2 PIPE
	mkfifo "$tmp/to"
	# For both: whoever opens it for one alone waits for the other.
	exec {to}<>"$tmp/to"
	wait_for 30 listens
	# Not by spawn: what is begun in the background within a function reads nothing.
	ip netns exec left ncat 10.9.0.2 7777 <"$tmp/to" >"$tmp/from" &
	defer kill_and_wait $!
}

talks() {
	local word="$RANDOM$RANDOM$RANDOM" began

	began=$(date +%s%N)
	echo "$word" >&"$to"
	wait_for 60 grep -qx "$word" "$tmp/from"
	echo $((($(date +%s%N) - began) / 1000000)) >"$tmp/took"
}

# took: for the reader, how long it took; to a tenth of a second, by the guest's clock
took() {
	diag "$(<"$tmp/took") ms from the change to what was said next coming back"
}

umask 077
network
far_end 10.9.0.1/32,fd09::1/128 10.9.0.2/24 fd09::2/64
defer end_process

on_wifi
names vpn.test 203.0.113.1 2001:db8:9::1
check "up --stay" begin "vpn.test:$port"
talk_begins
check "a connection through the tunnel" talks
second() {
	local status=0

	on left toyvpnctl up "$conf" --stay || status=$?
	((status == 1))
}
check "a second one is refused" second

moves_to_lte() {
	local before

	before=$(count "the network changed")
	on_lte
	off_wifi
	talks
	says "the network changed" $((before + 1))
	shown_from 198.51.100.1
}

shown_from() {
	wait_for 20 comes_from "$1"
}
comes_from() {
	[[ $(on right toyvpnctl show vpn0 endpoints) == *"$1"* ]]
}

check "from one network to another: the connection goes on" moves_to_lte
took

moves_to_six() {
	# A network with IPv6 alone
	addr left wifi 2001:db8:1::1/64
	ip -n left -6 route replace default via 2001:db8:1::fe
	off_lte
	talks
	state_is connected
	shown_from 2001:db8:1::1
}

check "from IPv4 to IPv6: the connection goes on" moves_to_six
took
check "the endpoint is the IPv6 one" endpoint_is "[2001:db8:9::1]:$port"

back_home() {
	off_wifi
	on_wifi
	talks
}

check "back on the first network" back_home
took

# 50 addresses and routes come and go: one reconnect at most
burst() {
	local before i

	pass 10
	before=$(count "connecting to")
	# By one process: a burst is over before the wait for its end is, on a slow kernel as well
	{
		echo "addr add 192.0.2.77/24 dev wifi"
		for ((i = 0; i < 25; i++)); do
			echo "addr add 192.0.2.$((100 + i))/24 dev wifi"
			echo "addr del 192.0.2.$((100 + i))/24 dev wifi"
		done
	} | ip -n left -batch -
	pass 10
	echo "$(($(count "connecting to") - before)) reconnects"
	(($(count "connecting to") - before <= 1))
	ip -n left addr del 192.0.2.77/24 dev wifi
	pass 5
	talks
}

check "a burst of 50 changes is one reconnect" burst

elsewhere() {
	local before

	pass 10
	before=$(count "connecting to")
	ip -n left link add dummy0 type dummy
	ip -n left addr add 172.16.0.1/24 dev dummy0
	ip -n left link set dummy0 up
	pass 10
	(($(count "connecting to") == before))
}

check "changes that have nothing to do with it are none" elsewhere

# The server is away for an hour
away() {
	local sent

	ip -n right link set eth0 down
	pass 300
	state_is reconnecting || state_is disconnected
	sent=$(attempts)
	pass 3600
	sent=$(($(attempts) - sent))
	echo "$sent handshakes in an hour"
	((sent > 20 && sent < 600))
	ip -n right link set eth0 up
	ip -n right route replace default via 203.0.113.254
	ip -n right -6 addr add 2001:db8:9::1/64 dev eth0 nodad 2>/dev/null || :
	ip -n right -6 route replace default via 2001:db8:9::fe
	in_time 600 in_state connected
}

check "a server that is away for an hour is connected to again" away
check "since when, and that it is watched" grep -q '^home: Connected, since ' \
	<(on left toyvpnctl status home)

# Its name gets another address, and the old one is dead
renamed() {
	names vpn.test 203.0.113.2
	ip -n right addr del 203.0.113.1/24 dev eth0
	ip -n right -6 addr flush dev eth0 scope global
	ip -n right route replace default via 203.0.113.254
	pass 200
	in_time 600 in_state connected
	in_time 600 endpoint_is "203.0.113.2:$port"
}

check "its name has another address" renamed

frozen() {
	echo freezer >/sys/power/pm_test
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	echo mem >/sys/power/state
	echo none >/sys/power/pm_test
	state_is connected
	pings left 10.9.0.2
}

if [[ -w /sys/power/pm_test && $(</sys/power/state) == *mem* ]]; then
	check "suspended: it connects again by itself" frozen
else
	skip "suspended: it connects again by itself" "this kernel cannot be made to try it"
fi

quiet_hour() {
	pass 3600
	state_is connected
}

check "an hour without traffic: connected" quiet_hour
reloaded() {
	local before

	before=$(count "^home: connected")
	write_conf "vpn.test:$port" "PersistentKeepalive = 20"
	on left toyvpnctl reload "$conf"
	[[ $(on left toyvpnctl show home persistent-keepalive | cut -f 2) == 20 ]]
	says "^home: connected" $((before + 1))
	process -0
}
check "reload, and it goes on" reloaded
check "down ends it, with success" end_stay

# Several addresses, of which only the last is any good
several() {
	names vpn.test 192.0.2.251 192.0.2.252 203.0.113.2
	begin "vpn.test:$port"
	says "trying 203.0.113.2:$port"
	endpoint_is "203.0.113.2:$port"
}

check "a name with several addresses: each is tried in turn" several

killed() {
	process -9
	ends 137
	pings left 10.9.0.2
	begin "vpn.test:$port"
	pings left 10.9.0.2
}

check "killed: the tunnel stays, and another one goes on with it" killed

removed() {
	ip -n left link del home
	ends 1
	cat "$log"
	grep -q "somebody removed this link" "$log"
}

check "somebody else removes the link: an error, for the service manager to try again" removed
check "which makes it anew" begin "vpn.test:$port"
# A clock beyond 32 bits: a process that waits waits, and does not begin to wait again and again.
in_future() {
	date -s 2040-01-01
	pass 5
	timeout 5 strace -qq -o "$tmp/calls" -e trace=timerfd_settime -p "$(<"$tmp/pid")" || :
	echo "$(wc -l <"$tmp/calls") times"
	(($(wc -l <"$tmp/calls") < 10))
	process -0
	state_is connected
}
now=$(date +%s)
up=$(cut -d . -f 1 /proc/uptime)
check "the year 2040: it sleeps" in_future
date -s "@$((now + $(cut -d . -f 1 /proc/uptime) - up))" >/dev/null
terminated() {
	process -TERM
	ends 143
	pings left 10.9.0.2
	on left toyvpnctl down home
}
check "terminated: the tunnel stays until down" terminated

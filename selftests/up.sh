#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# up, down, reload: from a file to a tunnel, and exactly undone, also when it fails or is killed at any
# step.
# timeout: 600

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

conf=$tmp/home.conf

# write_conf [INTERFACE-LINES [PEER-LINES]]: left's file
write_conf() {
	cat >"$conf" <<-END
	[Interface]
	PrivateKey = $(<"$tmp/left.key")
	Address = 10.9.0.1/24, fd09::1/64
	${1:-}
	[Peer]
	PublicKey = ${key[right]}
	Endpoint = 192.0.2.2:$port
	${2:-AllowedIPs = 0.0.0.0/0, ::/0}
	END
}

# finds PATTERN CMD...: a line that CMD prints has PATTERN. Not by a pipe, which grep -q closes early
finds() {
	local pattern=$1 found

	shift
	found=$("$@" 2>&1)
	echo "$found"
	grep -q "$pattern" <<<"$found"
}

# finds_not PATTERN CMD...: no line that CMD prints has PATTERN
finds_not() {
	local pattern=$1 found

	shift
	found=$("$@" | grep "$pattern") || return 0
	echo "$* prints $found"
	return 1
}

# everything: all that "up" may touch at left
everything() {
	# shellcheck disable=SC2016 # for the shell there
	on left bash -c '
		ip -o link show | sed "s/^[0-9]*: //"
		ip -o addr show | sed "s/^[0-9]*: //; s/valid_lft.*//"
		for family in -4 -6; do
			ip $family route show table all | grep -v "^multicast ff00\|^ff00::/8"
			ip $family rule
		done
		nft list ruleset
		sysctl net.ipv4.conf.all.src_valid_mark
		cat /etc/resolv.conf
		ls /etc/resolv.conf* /run/toyvpn/netns-*/*.json; :
	' 2>/dev/null
}

# settled: what the kernel by itself gives a new link is there, and no longer tentative
settled() {
	[[ -n $(ip -n left -6 addr show dev eth0 scope link -tentative) ]]
}

# unchanged: left is as it was before the first "up"
unchanged() {
	diff <(echo "$before") <(everything)
}

up() {
	on left toyvpnctl up "$conf" "$@"
}

down() {
	on left toyvpnctl down home
}

# refuses TEXT [WORDS...]: up says this in one line, after warnings, and changes nothing
refuses() {
	local text=$1 line status=0

	shift
	line=$(up "$@" 2>&1 | grep -v ': warning: \|: connecting to \|: resolving ') || status=$?
	status=${PIPESTATUS[0]}
	echo "$line"
	[[ $line == toyvpnctl:*"$text"* && $line != *$'\n'* ]]
	unchanged
}

umask 077
ns left right
veth_pair left eth0 right eth0
addr left eth0 192.0.2.1/24 2001:db8::1/64
addr right eth0 192.0.2.2/24 2001:db8::2/64
# The file of a namespace is mounted over resolv.conf
mkdir -p /etc/netns/left
defer rm -rf /etc/netns/left
echo "nameserver 192.0.2.53" >/etc/netns/left/resolv.conf
far_end 10.9.0.1/32,fd09::1/128 10.9.0.2/24 fd09::2/64 203.0.113.7/32 2001:db8:7::7/128
write_conf
wait_for 10 settled
before=$(everything)

#
# The file
#

while IFS='|' read -r text line; do
	write_conf "$line"
	check "the file: $line" refuses "home.conf:4: $text"
done <<-'END'
Addreass is not a key of [Interface]: the nearest is Address|Addreass = 10.9.0.1/24
AllowedIPs is not a key of [Interface]|AllowedIPs = 10.0.0.0/8
Address: '10.9.0.300': not an IP address|Address = 10.9.0.300
Address: '10.9.0.1/0': the network|Address = 10.9.0.1/0
DNS: 'not a domain' is neither an address nor a domain|DNS = not a domain
MTU: '1' is not an MTU|MTU = 1
Table: 'yes' is not a table|Table = yes
KillSwitch: 'maybe' is neither yes nor no|KillSwitch = maybe
Push: 'routes' is not one of route|Push = routes 10.0.0.0/8
PrivateKeyFile: there is a PrivateKey already|PrivateKeyFile = /dev/null
END
write_conf $'MTU = 1400\nMTU = 1400'
check "a key that is there twice" refuses "home.conf:5: MTU: is there twice"
write_conf 'PasswordFile = /dev/null'
check "a password without a login" refuses "PasswordFile is for a Login"
write_conf '' 'AllowedIPz = 10.0.0.0/8'
check "an unknown key of a peer" refuses "AllowedIPz is not a key of [Peer]: the nearest is AllowedIPs"
check_refused "a name that no link can have" "cannot be the name of a link" toyvpnctl up "$tmp/a b.conf"
check_refused "a name without a file" "/etc/toyvpn/nowhere.conf: No such file" toyvpnctl up nowhere
check_refused "down without up" "home is not up" on left toyvpnctl down home
write_conf
check_refused "reload without up" "home is not up" on left toyvpnctl reload "$conf"
write_conf
chmod 644 "$conf"
check "a file that others can read: a warning" \
	finds "warning: .*other users can open this file" up --no-wait
check "down" down
chmod 600 "$conf"

#
# A tunnel that is the default route
#

connects() {
	local said

	said=$(up)
	echo "$said"
	grep -qx 'home: connecting to 192.0.2.2:51820' <<<"$said"
	grep -qE '^home: connected in [0-9]+ ms: [a-z0-9-]+, 192.0.2.2:51820$' <<<"$said"
}

# by_tunnel ADDRESS...: left's packets to these addresses go into the tunnel
by_tunnel() {
	local address

	for address; do
		finds 'dev home' ip -n left route get "$address"
	done
}

by_eth() {
	finds 'dev eth0' ip -n left route get "$@"
}

mtu() {
	cat <(on left cat /sys/class/net/home/mtu)
}

check "up connects" connects
check "everything goes through the tunnel" by_tunnel 203.0.113.7 2001:db8:7::7
check "but the local network, and the tunnel itself" by_eth 192.0.2.9
check "what has the mark does not" by_eth 192.0.2.2 mark 51820
check "ping, by both families" pings left 203.0.113.7
check "ping, IPv6" pings left 2001:db8:7::7
check_equal "the MTU leaves room for our headers" 1420 "$(mtu)"
check_refused "a second up" "home is up already" on left toyvpnctl up "$conf"
check "status: connected" grep -q '^home: Connected' <(on left toyvpnctl status home)
check "status says it with its exit status" on left toyvpnctl status home
check_equal "and as JSON" connected \
	"$(on left toyvpnctl status --json | jq -r '.[] | select(.interface == "home").state')"
check "down" down
check "and all is as before" unchanged
# status_of CMD...: leave its exit status in the variable of that name
status_of() {
	status=0
	"$@" || status=$?
}
disconnected() {
	status_of on left toyvpnctl status home
	((status == 3))
}
check "status: disconnected" disconnected

# jumbo: with another MTU on the way, and when the file has one
jumbo() {
	ip -n left link set eth0 mtu "$1"
	up --no-wait
	[[ $(mtu) == "$2" ]]
	down
	ip -n left link set eth0 mtu 1500
}
check "MTU: of a way with small packets" jumbo 1400 1320
check "MTU: of one with large packets" jumbo 9000 8920
write_conf 'MTU = 1300'
check "MTU: as the file has it" jumbo 1500 1300

#
# Tables, marks, routes
#

write_conf 'Table = off'
no_routes() {
	up --no-wait
	finds_not 'default dev home\|^10.9.0.2' ip -n left route show table all
	down
}
check "Table = off: no routes" no_routes
write_conf 'Table = 1234'
numbered() {
	up --no-wait
	finds '^default dev home' ip -n left route show table 1234
	finds '^default dev home' ip -n left -6 route show table 1234
	finds_not 1234 ip -n left rule
	down
}
check "Table = 1234: routes there, no rules" numbered
write_conf 'FwMark = 0x77'
marked() {
	up --no-wait
	finds 'not from all fwmark 0x77 lookup 119' ip -n left rule
	finds 'not from all fwmark 0x77 lookup 119' ip -n left -6 rule
	down
}
check "FwMark = 0x77 is the mark and the table" marked
write_conf '' 'AllowedIPs = 10.9.0.0/24, 203.0.113.0/24, 2001:db8:7::/48'
some_routes() {
	up --no-wait
	by_tunnel 203.0.113.7 2001:db8:7::7
	by_eth 192.0.2.2
	finds_not fwmark ip -n left rule
	down
}
check "without a default route: no rules" some_routes
check "all is as before" unchanged
ip -n left route add 203.0.113.0/24 via 192.0.2.2
before=$(everything)
check "a route that is somebody else's stays" refuses "home: route 203.0.113.0/24: File exists" --no-wait
ip -n left route del 203.0.113.0/24
before=$(everything)

# Two tunnels at once: both need the sysctl and one of the rules
two() {
	write_conf
	sed "s/10.9.0.1/10.9.5.1/; s/fd09::1/fd05::1/" "$conf" >"$tmp/other.conf"
	up --no-wait
	on left toyvpnctl up --no-wait "$tmp/other.conf"
	on left toyvpnctl down home
	[[ $(on left sysctl -n net.ipv4.conf.all.src_valid_mark) == 1 ]]
	finds suppress_prefixlength ip -n left rule
	on left toyvpnctl down other
}
check "two tunnels, of which the first goes first" two
check "all is as before" unchanged

#
# Commands
#

write_conf "$(cat <<-END
PreUp = echo pre-up %i >>$tmp/log
PostUp = echo post-up %i >>$tmp/log; ip link show %i | grep -q UP
PostUp = echo post-up again >>$tmp/log
PreDown = echo pre-down %i >>$tmp/log
PostDown = echo post-down %i >>$tmp/log; ! ip link show %i
END
)"
commands() {
	up --no-wait
	down
	diff - "$tmp/log" <<-END
	pre-up home
	post-up home
	post-up again
	pre-down home
	post-down home
	END
}
check "commands, each at its moment" commands
write_conf 'PostUp = false'
check "a command that fails: all is undone" refuses "home: this command failed: false" --no-wait

#
# No connection
#

write_conf
sed -i 's/192.0.2.2:/192.0.2.77:/' "$conf"
check "nobody there: all is undone" refuses "home: "
write_conf
sed -i 's/192.0.2.2:/nowhere.invalid:/' "$conf"
export TOYVPN_ENDPOINT_RESOLUTION_RETRIES=0
check "a name that is none" refuses "home.conf:7: Endpoint: 'nowhere.invalid'"
unset TOYVPN_ENDPOINT_RESOLUTION_RETRIES

#
# Name servers
#

write_conf 'DNS = 10.9.0.2, fd09::2, example.org'
names() {
	up --no-wait
	on left cat /etc/resolv.conf
	on left grep -qx 'nameserver 10.9.0.2' /etc/resolv.conf
	on left grep -qx 'nameserver fd09::2' /etc/resolv.conf
	on left grep -qx 'search example.org' /etc/resolv.conf
	down
}
check "DNS" names
check "all is as before" unchanged

#
# reload
#

write_conf 'DNS = 10.9.0.2' 'AllowedIPs = 10.9.0.0/24, 203.0.113.0/24'
reloads() {
	local sessions index

	up
	sessions=$(on left ethtool -S home | awk '$1 == "handshakes_completed:" { print $2 }')
	index=$(on left cat /sys/class/net/home/ifindex)
	write_conf $'DNS = 10.9.0.3\nMTU = 1300\nPostUp = false\nPostDown = false' \
		$'AllowedIPs = 10.9.0.0/24, 2001:db8:7::/48\nPersistentKeepalive = 7'
	sed -i 's,10.9.0.1/24,10.9.0.1/24\, 10.9.0.11/24,; s/, fd09::1\/64//' "$conf"
	on left toyvpnctl reload "$conf"
	finds 'inet 10.9.0.11/24' ip -n left addr show dev home
	finds_not fd09::1 ip -n left addr show dev home
	finds_not 203.0.113 ip -n left route show
	finds '^2001:db8:7::/48 dev home' ip -n left -6 route show
	on left grep -qx 'nameserver 10.9.0.3' /etc/resolv.conf
	[[ $(mtu) == 1300 && $(on left cat /sys/class/net/home/ifindex) == "$index" ]]
	[[ $(on left toyvpnctl show home persistent-keepalive | cut -f 2) == 7 ]]
	[[ $(on left ethtool -S home | awk '$1 == "handshakes_completed:" { print $2 }') == "$sessions" ]]
	pings left 10.9.0.2
}
check "reload changes what differs, and the session goes on" reloads
bad_reload() {
	local now status

	now=$(everything)
	echo nonsense >>"$conf"
	status_of on left toyvpnctl reload "$conf"
	((status == 1))
	diff <(echo "$now") <(everything)
}
check "a wrong file changes nothing" bad_reload
check "down undoes what reload did" down
check "all is as before" unchanged

#
# Killed, or refused, at each step
#

write_conf $'DNS = 10.9.0.2\nKillSwitch = yes\nPostDown = true'

# up_with FAULT CALL NUMBER: "up" with this fault in place of that system call. On one processor: strace
# stops it at each call, and to wake the other processor takes three times as long.
up_with() {
	on left taskset 1 strace -f -o /dev/null -e "trace=$2" -e "inject=$2:$1:when=$3" \
		toyvpnctl up "$conf" --no-wait
}

# Each message to the kernel and each change of a file on the way: kill -9 before it, or an error. On a
# slow kernel not each of them.
# faulty WHAT CALL: fault number 1, 2, ... until "up" comes to its end
faulty() {
	local fault=$1 call=$2 number faults=0 status

	for ((number = 1; number < 100; number += ${SLOW:-1})); do
		status=0
		up_with "$fault" "$call" "$number" >"$tmp/out" 2>&1 || status=$?
		if ((status == 0)); then
			down
			unchanged
			echo "$faults faults"
			((faults))
			return
		fi
		((++faults))
		if [[ $fault == signal=KILL ]]; then
			# A record is there as soon as anything else is.
			if compgen -G "/run/toyvpn/netns-*/home.json" >"$tmp/found"; then
				down
			fi
		fi
		unchanged || {
			echo "after $fault of $call number $number: $(<"$tmp/out")"
			return 1
		}
	done
	return 1
}

check "killed at each message of rtnetlink" faulty signal=KILL sendto
check "killed at each change of a file" faulty signal=KILL rename
check "killed at each message of nftables" faulty signal=KILL sendmsg
check "each message is refused" faulty error=ENOMEM sendto
check "no file can be renamed" faulty error=EIO rename
killed_and_up() {
	up_with signal=KILL sendto 20 || :
	up --no-wait
	down
}
check "up after an up that was killed" killed_and_up
check "all is as before" unchanged

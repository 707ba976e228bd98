#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server that takes clients in: logins, addresses, what it gives them, and how it lets them go.
# timeout: 900

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"
# shellcheck source=selftests/server.sh
. "$selftests/server.sh"

outside
for name in anna bert carl; do
	user add "$name" <<<"password of $name"
done
keys anna bert carl zoe anna2

#
# Logins
#

push="Push = route 10.0.0.0/8; dns 10.9.0.1; search corp.example; mtu 1400; keepalive 25"
server_file "Pool = 10.9.0.0/24, fd09::/64" "$push"
server

# given NUMBER: what the client with this place has
given() {
	echo "address 10.9.0.$1/24 address fd09::$1/64 route 10.0.0.0/8 dns 10.9.0.1" \
		"search corp.example mtu 1400 keepalive 25"
}
check_equal "the first client has the first address after the server's, and all else" "$(given 2)" \
	"$(joins anna)"
check_equal "the second has the next" "$(given 3)" "$(joins bert)"
check_equal "the first again has the same" "$(given 2)" "$(joins anna)"
check_equal "a wrong password is refused" refused "$(joins carl carl wrong)"
check_equal "so is an unknown user" refused "$(joins zoe zoe x)"
check_equal "so is what cannot be a name" refused "$(joins zoe 'a b' x)"
check_equal "so is an empty password" refused "$(joins zoe anna '')"
check_equal "so is half a password" refused "$(joins zoe anna 'password of')"
untold=$(counter right handshake_drop_unknown_peer)
check_equal "who does not log in hears nothing" silence "$(joins zoe '' '' 3)"
check "and takes no place among those who wait" \
	test "$(counter right handshake_drop_unknown_peer)" -gt "$untold"
check_equal "a second device of a user has an address of its own" "$(given 4)" "$(joins anna2 anna)"
check "the server says who joined" \
	grep -q 'anna from 192.0.2.1:[0-9]*: joined as 10.9.0.2, fd09::2$' "$tmp/log"
check "and who was refused" grep -q 'carl from 192.0.2.1:[0-9]*: refused: wrong login$' "$tmp/log"
no_secrets() {
	! cat "$tmp/log" "$leases"* | grep -a "password of"
}
check "and no password" no_secrets

# known: the leases in one line
known() {
	toyvpnctl lease list vpn0 --json |
		jq -r 'map([.login, .ipv4, .ipv6] | map(values) | join(" ")) | join(", ")'
}
check_equal "the leases, for programs" \
	"anna 10.9.0.2 fd09::2, bert 10.9.0.3 fd09::3, anna 10.9.0.4 fd09::4" "$(known)"
check_equal "and for people" "vpn0 anna 10.9.0.2 fd09::2 $(<"$tmp/anna.pub")" \
	"$(toyvpnctl lease list | head -n 1 | cut -f 1-5 | tr '\t' ' ')"

# allowed: what the kernel lets each peer use, sorted, in one line
allowed() {
	on right toyvpnctl show vpn0 allowed-ips | cut -f 2 | sort | tr '\n' ' '
}
check_equal "the kernel lets each use just its own" \
	"10.9.0.2/32 fd09::2/128 10.9.0.3/32 fd09::3/128 10.9.0.4/32 fd09::4/128 " "$(allowed)"
check_equal "what was sent once is not taken twice" silence \
	"$(on left clients.py replay "${outer4[right]}" "$tmp/right.pub" "$tmp/anna.key" anna \
		"password of anna" 3)"
check_refused "there is one server for a link" "vpn0: " on right toyvpnctl serve "$tmp/vpn0.conf"

#
# Users come and go meanwhile
#

peers() {
	on right toyvpnctl show vpn0 peers | grep -c = || :
}
has_peers() {
	[[ $(peers) == "$1" ]]
}
parted() {
	user del bert
	wait_for 10 has_peers 2
	grep 'bert may not log in any more' "$tmp/log"
	[[ $(joins bert) == refused ]]
}
check "who is removed is a peer no more" parted
changed() {
	user passwd anna <<<"another one"
	wait_for 10 has_peers 0
	[[ $(joins anna) == refused ]]
	[[ $(joins anna anna "another one") == "$(given 2)" ]]
	has_peers 1
}
check "nor is who has another password, until it is used" changed
comes() {
	user add dora <<<"password of dora"
	wait_for 10 grep "users who may log in: 3" "$tmp/log"
	keys dora
	[[ $(joins dora) == "$(given 5)" ]]
}
check "somebody new can come at once" comes
broken() {
	cp "$users" "$tmp/good"
	echo "a b" >>"$users"
	wait_for 10 grep ":[0-9]*: this does not begin with a user's name" "$tmp/log"
	mv "$tmp/good" "$users"
	[[ $(joins dora) == "$(given 5)" ]]
	has_peers 2
}
check "a broken file of users changes nothing" broken

#
# The server ends and comes back
#

goes_on() {
	local before

	before=$(allowed)
	stop_server KILL
	server
	[[ $(allowed) == "$before" ]]
	[[ $(joins dora) == "$(given 5)" ]]
}
check "after kill -9 it goes on with the clients that it had" goes_on
afresh() {
	stop_server
	[[ ! $(on right toyvpnctl show interfaces) ]]
	server
	has_peers 0
	[[ $(joins dora) == "$(given 5)" && $(joins anna anna "another one") == "$(given 2)" ]]
}
check "when it is told to end the link goes; after that they log in again and have their addresses" \
	afresh
while_away() {
	stop_server KILL
	user del dora
	server
	grep 'dora may not log in any more' "$tmp/log"
	has_peers 1
}
check "who was removed while it was away is no peer when it comes back" while_away
moved_to() {
	[[ $(allowed) == "$1" ]]
}
moved() {
	echo nonsense >>"$tmp/vpn0.conf"
	kill -HUP "$(<"$tmp/server.pid")"
	wait_for 10 grep "neither a .section. nor KEY = VALUE" "$tmp/log"
	has_peers 1
	server_file "Pool = 10.9.1.0/24" "Push = route 10.1.0.0/16"
	kill -HUP "$(<"$tmp/server.pid")"
	wait_for 20 moved_to "10.9.1.2/32 "
	[[ $(joins anna anna "another one") == "address 10.9.1.2/24 route 10.1.0.0/16" ]]
	[[ $(known) == "anna 10.9.1.2, bert 10.9.1.3, anna 10.9.1.4, dora 10.9.1.5" ]]
}
check "it reads its file again on SIGHUP; in another pool clients have the same places" moved

#
# A full pool
#

# anew LINES...: a server with such a file, and without a past
anew() {
	stop_server
	rm -f "$leases"*
	server_file "$@"
	server
}
full() {
	local i

	anew "Pool = 10.9.0.0/29"
	keys f1 f2 f3 f4 f5 f6
	for i in 1 2 3 4 5; do
		[[ $(joins "f$i" carl) == "address 10.9.0.$((i + 1))/29" ]]
	done
	[[ $(joins f6 carl) == full ]]
	grep 'carl from .*: refused: all addresses are in use' "$tmp/log"
	[[ $(joins f2 carl) == "address 10.9.0.3/29" ]]
}
check "there are as many clients as addresses" full
expires() {
	stop_server KILL
	on right toyvpnctl set vpn0 peer "$(<"$tmp/f3.pub")" remove
	sqlite3 "$leases" "UPDATE lease SET seen = seen - 1000 WHERE ipv4 = '10.9.0.4'"
	server --lease 500
	[[ $(joins f6 carl) == "address 10.9.0.4/29" ]]
	has_peers 5
	[[ $(on right toyvpnctl show vpn0 peers) != *"$(<"$tmp/f3.pub")"* ]]
	[[ $(joins f3 carl) == full ]]
}
check "an address that nobody used for long is another's" expires
devices() {
	anew "Pool = 10.9.0.0/24" "Devices = 2"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	[[ $(joins f2 carl) == "address 10.9.0.3/24" ]]
	[[ $(joins f3 carl) == full ]]
	grep 'carl from .*: refused: has as many devices here as one may have' "$tmp/log"
	[[ $(joins f2 carl) == "address 10.9.0.3/24" ]]
	[[ $(joins f4 anna "another one") == "address 10.9.0.4/24" ]]
}
check "one user has as many devices as one may have" devices
another_login() {
	anew "Pool = 10.9.0.0/24" "Devices = 1"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	[[ $(joins f2 anna "another one") == "address 10.9.0.3/24" ]]
	on right toyvpnctl set vpn0 peer "$(<"$tmp/f1.pub")" remove
	[[ $(joins f1 anna "another one") == full ]]
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
}
check "also who logs in as somebody else" another_login
another_password() {
	user passwd anna <<<"a third one"
	wait_for 10 has_peers 1
	[[ $(joins f3 anna "a third one") == "address 10.9.0.3/24" ]]
	user passwd anna <<<"another one"
}
check "who had the password of before has no device any more" another_password
away() {
	anew "Pool = 10.9.0.0/24" "Devices = 2"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	[[ $(joins f2 carl) == "address 10.9.0.3/24" ]]
	on right toyvpnctl set vpn0 peer "$(<"$tmp/f2.pub")" remove
	sqlite3 -cmd ".timeout 5000" "$leases" "UPDATE lease SET seen = seen - 1000 WHERE ipv4 = '10.9.0.3'"
	[[ $(joins f3 carl) == "address 10.9.0.3/24" ]]
	[[ $(joins f2 carl) == full ]]
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
}
check "another takes the place of the one that is away" away
reserved() {
	anew "Pool = 10.9.0.0/29" "[Peer]" "PublicKey = $(<"$tmp/zoe.pub")" \
		"AllowedIPs = 10.9.0.2/31, 10.0.0.0/8"
	[[ $(joins f1 carl) == "address 10.9.0.4/29" ]]
}
check "what a [Peer] of the file has is nobody else's" reserved

#
# Who loses a section of the file, or an address
#

# is_peer NAME
is_peer() {
	on right toyvpnctl show vpn0 peers | grep -qF "$(<"$tmp/$1.pub")"
}
is_no_peer() {
	! is_peer "$1"
}
# of_zoe WHAT: what "toyvpnctl show" says of it, of zoe
of_zoe() {
	on right toyvpnctl show vpn0 "$1" | grep -F "$(<"$tmp/zoe.pub")" | cut -f 2
}
# reread CMD...: the server reads its file again, as CMD tells it to
reread() {
	: >"$tmp/log"
	"$@"
	wait_for 20 grep "vpn0: serving" "$tmp/log"
}
# hup: tell the server that its file is another one
hup() {
	kill -HUP "$(<"$tmp/server.pid")"
}
zoe=("[Peer]" "PublicKey = $(<"$tmp/zoe.pub")")
pool="Pool = 10.9.0.0/24"

# parts CMD...: zoe's section goes, and CMD has the server look at its file
parts() {
	anew "$pool" "${zoe[@]}" "AllowedIPs = 10.8.0.1/32"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	is_peer zoe
	server_file "$pool"
	"$@"
	grep -F "$(<"$tmp/zoe.pub") has no [Peer] and no address here" "$tmp/log"
	is_no_peer zoe
	[[ $(allowed) == "10.9.0.2/32 " ]]
}
check "a [Peer] that is in the file no more is a peer no more, after SIGHUP" parts reread hup
check "after reload" parts reread on right toyvpnctl reload "$tmp/vpn0.conf"
started_again() {
	stop_server KILL
	server
}
check "after the server was killed" parts started_again
changes() {
	anew "$pool" "${zoe[@]}" "AllowedIPs = 10.8.0.1/32, 10.8.0.2/32" \
		"PresharedKey = $(toyvpnctl genpsk)" "Endpoint = ${outer4[left]}:9" "PersistentKeepalive = 25"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	server_file "$pool" "${zoe[@]}" "AllowedIPs = 10.8.0.2/32"
	reread hup
	[[ $(of_zoe allowed-ips) == 10.8.0.2/32 ]]
	[[ $(of_zoe preshared-keys) == "(none)" ]]
	[[ $(of_zoe persistent-keepalive) == off ]]
	[[ $(of_zoe endpoints) == "${outer4[left]}:9" ]]
	[[ $(allowed) == "10.8.0.2/32 10.9.0.2/32 " ]]
}
check "one whose section is another has what is there now, and the place that it had" changes
shrinks() {
	anew "Pool = 10.9.0.0/29"
	[[ $(joins f1 carl) == "address 10.9.0.2/29" && $(joins f2 carl) == "address 10.9.0.3/29" ]]
	server_file "Pool = 10.9.0.0/30"
	reread hup
	is_no_peer f2
	[[ $(allowed) == "10.9.0.2/32 " ]]
	[[ $(joins f2 carl) == full ]]
}
check "a client whose address is none of the pool any more is a peer no more" shrinks
# loses_address NEW CMD...: CMD has the file give a client's address to another; it logs in and has NEW
loses_address() {
	anew "$pool"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	"${@:2}"
	reread hup
	is_no_peer f1
	[[ $(joins f1 carl) == "address $1/24" ]]
}
check "one whose address a [Peer] has now is none, until it logs in and has another" \
	loses_address 10.9.0.3 server_file "$pool" "${zoe[@]}" "AllowedIPs = 10.9.0.2/32"
check "nor is one whose address is the server's now" \
	loses_address 10.9.0.1 sed -i 's,^Address = .*,Address = 10.9.0.2/24,' "$tmp/vpn0.conf"
promoted() {
	anew "Pool = 10.9.0.0/30"
	[[ $(joins f1 carl) == "address 10.9.0.2/30" ]]
	server_file "Pool = 10.9.0.0/30" "[Peer]" "PublicKey = $(<"$tmp/f1.pub")" "AllowedIPs = 10.8.0.1/32"
	reread hup
	sqlite3 -cmd ".timeout 5000" "$leases" "UPDATE lease SET seen = seen - 100000"
	[[ $(joins f2 carl) == "address 10.9.0.2/30" ]]
	[[ $(allowed) == "10.8.0.1/32 10.9.0.2/32 " ]]
}
check "a client that got a [Peer] stays one when another gets the address that it had" promoted
by_hand() {
	anew "$pool" "PostUp = toyvpnctl set vpn0 peer $(<"$tmp/zoe.pub") allowed-ips 10.8.0.1/32"
	is_peer zoe
}
check "whom a command of the file makes a peer is one" by_hand

#
# Names of peers
#

# The files of a namespace are mounted over those of /etc.
mkdir -p /etc/netns/right
defer rm -rf /etc/netns/right
echo "nameserver 192.0.2.53" >/etc/netns/right/resolv.conf
echo "127.0.0.1 localhost" >/etc/netns/right/hosts
unknown() {
	anew "$pool" "${zoe[@]}" "AllowedIPs = 10.8.0.1/32" "Endpoint = ${outer4[left]}:9"
	[[ $(joins f1 carl) == "address 10.9.0.2/24" ]]
	server_file "$pool" "${zoe[@]}" "AllowedIPs = 10.8.0.2/32" "Endpoint = zoe.test:9" \
		"[Peer]" "PublicKey = $(<"$tmp/bert.pub")" "Endpoint = a..b:9"
	reread hup
	grep "warning: .*: Endpoint: 'zoe.test': " "$tmp/log"
	grep "warning: .*: Endpoint: 'a..b': " "$tmp/log"
	is_peer bert
	[[ $(of_zoe allowed-ips) == 10.8.0.2/32 ]]
	[[ $(of_zoe endpoints) == "${outer4[left]}:9" ]]
	[[ $(joins f2 carl) == "address 10.9.0.3/24" ]]
}
check "names that nobody knows take logins from nobody, and no peer its place" unknown
unknown_at_first() {
	stop_server
	server
	[[ $(of_zoe endpoints) == "(none)" ]]
	[[ $(joins f2 carl) == "address 10.9.0.3/24" ]]
}
check "also when the server starts" unknown_at_first
known_again() {
	echo "${outer4[left]} zoe.test" >>/etc/netns/right/hosts
	reread hup
	[[ $(of_zoe endpoints) == "${outer4[left]}:9" ]]
}
check "a name that is known when the file is read again is where its peer is" known_again
no_host() {
	server_file "$pool" "${zoe[@]}" "Endpoint = 224.0.0.1:9"
	: >"$tmp/log"
	hup
	wait_for 10 grep "'224.0.0.1': not the address of one host" "$tmp/log"
	is_peer bert
	[[ $(joins f2 carl) == "address 10.9.0.3/24" ]]
}
check "an address that can be no peer's is an error of the file, which changes nothing" no_host
stop_server

#
# Files that are wrong
#

# wrong TEXT LINES...: serve refuses a file with these lines
wrong() {
	local text=$1

	shift
	server_file "$@"
	# One that is not would serve for ever.
	check_refused "refused: $text" "$text" on right timeout 60 toyvpnctl serve "$tmp/vpn0.conf"
}
wrong "no Pool" "# nothing"
wrong "/30 at most" "Pool = 10.9.0.0/31"
wrong "second network of IPv4" "Pool = 10.9.0.0/24, 10.9.1.0/24"
wrong "not an IP address" "Pool = 10.9.0"
wrong "not one of route, dns" "Pool = 10.9.0.0/24" "Push = rout 10.0.0.0/8"
wrong "more than a handshake has room for" "Pool = 10.9.0.0/24" \
	"Push = $(printf 'route 10.%d.0.0/16; ' {1..76})"
wrong "not a number of devices" "Pool = 10.9.0.0/24" "Devices = 0"
wrong "there is no link eth9" "Pool = 10.9.0.0/24" "NAT = eth9"
check_refused "no file" "No such file" on right toyvpnctl serve "$tmp/none.conf"
check_refused "no name" "too few" on right toyvpnctl serve
check_refused "a time that is too short" "180 at least" on right toyvpnctl serve vpn0 --idle 1

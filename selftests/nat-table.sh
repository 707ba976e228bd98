#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server's NAT: its clients reach the world behind its address, by both families. What others have
# of rules and settings is as it was before.
#
#	left ---- right (server) ---- web
# timeout: 600

# shellcheck source=selftests/lib.sh
# shellcheck disable=SC2119 # of functions that can do without words
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"
# shellcheck source=selftests/server.sh
. "$selftests/server.sh"

outside
ns web
veth_pair right eth1 web eth0
addr right eth1 203.0.113.1/24 2001:db8:1::1/64
addr web eth0 203.0.113.80/24 2001:db8:1::80/64
ip -n right route add default via 203.0.113.80
ip -n right route add default via 2001:db8:1::80 dev eth1

# settings: those of right that NAT needs
settings() {
	on right sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv6.conf.eth1.accept_ra
}
# rules: all of right
rules() {
	on right nft list ruleset
}
on right nft -f - <<-EOF
	table ip mine {
		set seen { type ipv4_addr; elements = { 192.0.2.9 } }
		chain forward { type filter hook forward priority 10; policy accept; ip saddr @seen counter drop; }
	}
	table inet toyvpn_else { }
EOF

user add anna <<<"password of anna"
pool="Pool = 10.9.0.0/24, fd09::/64"
push="Push = route 203.0.113.0/24, 2001:db8:1::/64"
on right sysctl -q net.ipv6.conf.eth1.accept_ra=1
before=$(rules)
settings_before=$(settings)

# as_before: but for the order in which nft lists tables
as_before() {
	[[ $(rules) == "$before" ]] || diff <(echo "$before") <(rules)
	[[ $(settings) == "$settings_before" ]] || diff <(echo "$settings_before") <(settings)
	[[ ! $(on right toyvpnctl show interfaces) ]]
}

#
# The rules
#

server_file "$pool" "$push" "NAT = auto"
server
theirs() {
	local table

	for table in "ip mine" "inet toyvpn_else"; do
		# shellcheck disable=SC2086 # two words
		[[ $before == *"$(on right nft list table $table)"* ]]
	done
}
check "what others have stays" theirs
ours() {
	on right nft list table inet toyvpn_nat_vpn0 >"$tmp/ours"
	cat "$tmp/ours"
	grep -F 'ip saddr 10.9.0.0/24 oifname "eth1" masquerade' "$tmp/ours"
	grep -F 'ip6 saddr fd09::/64 oifname "eth1" masquerade' "$tmp/ours"
	[[ $(grep -c 'maxseg size set rt mtu' "$tmp/ours") == 2 ]]
}
check "ours is for the link of the default route, and both families" ours
check_equal "it forwards, and still hears routers" "1 1 2" "$(settings | awk '{ print $3 }' | xargs)"
check "it ends" stop_server
check "and all is as before" as_before

killed() {
	server
	stop_server KILL
	on right nft list table inet toyvpn_nat_vpn0 >"$tmp/left"
	server
	diff "$tmp/left" <(on right nft list table inet toyvpn_nat_vpn0)
	stop_server
	as_before
}
check "what kill -9 leaves is taken over, and goes in the end" killed
downed() {
	server
	stop_server KILL
	on right toyvpnctl down vpn0
	as_before
}
check "or by down" downed
two() {
	server
	(
		umask 077
		sed -e "s/^ListenPort.*/ListenPort = 51821/; s/10[.]9[.]0/10.8.0/g; s/fd09/fd08/g" \
			"$tmp/vpn0.conf" >"$tmp/vpn-2.conf"
	)
	on right toyvpnctl up --no-wait "$tmp/vpn-2.conf"
	[[ $(rules) == *"10.8.0.0/24 oifname"* && $(rules) == *"10.9.0.0/24 oifname"* ]]
	stop_server
	[[ $(rules) == *"10.8.0.0/24 oifname"* && $(rules) != *"10.9.0.0/24 oifname"* ]]
	[[ $(settings | awk '{ print $3 }' | xargs) == "1 1 2" ]]
	on right toyvpnctl down vpn-2
	as_before
}
check "of two servers each has its own, and the last one puts back what was" two
# folder: that of the records of right, whose lock all wait for that change what tunnels share
folder() {
	on right python3 -c '
import socket

cookie = socket.socket().getsockopt(socket.SOL_SOCKET, 71, 8)
print("/run/toyvpn/netns-%d" % int.from_bytes(cookie, "little"))'
}
# waits PID: whether it waits for such a lock
waits() {
	grep -e "-> FLOCK .* $1 " /proc/locks
}
in_turn() {
	local pid

	exec 9<"$(folder)"
	flock 9
	server 9<&- &
	wait_for 20 test -s "$tmp/server.pid"
	pid=$(<"$tmp/server.pid")
	wait_for 20 waits "$pid"
	[[ $(rules) == "$before" && $(settings) == "$settings_before" ]]
	flock -u 9
	wait $!
	[[ $(settings | awk '{ print $3 }' | xargs) == "1 1 2" ]]
	flock 9
	stop_server 9<&- &
	wait_for 20 waits "$pid"
	[[ $(rules) == *toyvpn_nat_vpn0* ]]
	flock -u 9
	wait $!
	as_before
}
check "while another changes what they share, a server waits" in_turn
forwards() {
	on right sysctl -q net.ipv4.ip_forward=1
	server
	stop_server
	[[ $(on right sysctl -n net.ipv4.ip_forward) == 1 ]]
	on right sysctl -q net.ipv4.ip_forward=0
	as_before
}
check "what forwarded before forwards afterwards" forwards
off() {
	server_file "$pool" "$push" "NAT = off"
	server
	[[ $(rules) == "$before" && $(settings) == "$settings_before" ]]
	stop_server
}
check "off is off" off
no_route() {
	ip -n right route del default
	ip -n right -6 route del default
	server_file "$pool" "$push" "NAT = auto"
	check_refused "without a default route the link has to be named" "there is no default route" \
		on right toyvpnctl serve "$tmp/vpn0.conf"
}
no_route
check "then nothing is left" as_before

#
# Traffic
#

server_file "$pool" "$push" "NAT = eth1"
server
on right toyvpnctl client new anna --server "$tmp/vpn0.conf" --endpoint "${outer4[right]}" >"$tmp/anna.conf"
chmod 600 "$tmp/anna.conf"
connects() {
	mkdir "$tmp/client"
	mv "$tmp/anna.conf" "$tmp/client/vpn1.conf"
	on left toyvpnctl up "$tmp/client/vpn1.conf" <<<"password of anna"
	ip -n left addr show vpn1
	ip -n left route
}
check "a client connects with the file that was made for it" connects
spawn on web python3 -c '
import http.server, socket, sys

class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode() + b"\n" + 300000 * b".")

    def log_message(self, *words):
        pass

Server(("::", 80), Handler).serve_forever()
'
seen() {
	local from

	wait_for 20 on web ncat -z ::1 80
	on left curl -sS --max-time 60 --output "$tmp/page" "http://$1/"
	[[ $(stat -c %s "$tmp/page") -gt 300000 ]]
	from=$(head -n 1 "$tmp/page")
	echo "$from"
	[[ $from == "$2" ]]
}
check "the web server sees the server's address" seen 203.0.113.80 ::ffff:203.0.113.1
check "also by IPv6" seen '[2001:db8:1::80]' 2001:db8:1::1
check "the client goes" on left toyvpnctl down vpn1
check "the server goes" stop_server
check "all is as before" as_before

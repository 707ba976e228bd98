#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The main job, to look at: a client logs in to its VPN server, gets an address from it, and reaches
# a web server on the internet through the tunnel and the server's NAT. Run it in a guest: make demo.
#
#	client ---- 192.0.2.0/24 ---- server ---- 203.0.113.0/24 ---- web
#	   \_____ vpn0, 10.9.0.0/24 _____/

# shellcheck disable=SC2016 # commands are expanded by the shell of the host that runs them

set -Eeuo pipefail

hosts='client server web'
marker='This line is secret. '
tmp=$(mktemp -d)
cd "$tmp"

bold='' plain=''
[[ ! -t 1 ]] || bold=$'\e[1m' plain=$'\e[0m'

# story TEXT: what comes next
story() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# at HOST CMD: show a command as its user would type it, and run it there
at() {
	local host=$1 cmd=$2

	printf '%s# %s\n' "$host" "$cmd"
	last="on $host: $cmd"
	timeout 60 ip netns exec "$host" bash -euo pipefail -c "$cmd"
}

# quietly HOST CMD...: what is no part of the demonstration
quietly() {
	local host=$1

	shift
	last="on $host: $*"
	ip netns exec "$host" "$@"
}

background=()

# start HOST CMD...: in the background, until the end
start() {
	local host=$1

	shift
	ip netns exec "$host" "$@" >/dev/null 2>&1 &
	background+=($!)
}

# at_background HOST CMD: likewise as its user would type it; what it says is in serve.log
at_background() {
	printf '%s# %s &\n' "$1" "$2"
	last="on $1: $2"
	ip netns exec "$1" bash -c "exec $2" >serve.log 2>&1 &
	background+=($!)
}

# stop PID
stop() {
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

failed() {
	story "demo: failed, $1"
	exit 1
}

end() {
	local status=$? pid host

	trap - EXIT ERR
	for pid in "${background[@]}"; do
		stop "$pid"
	done
	for host in $hosts; do
		ip netns del "$host" 2>/dev/null
	done
	rm -rf "$tmp"
	exit "$status"
}

# listens HOST PORT: wait until a server is ready
listens() {
	local i

	last="on $1: a server on port $2"
	for ((i = 0; i < 200; i++)); do
		[[ -z $(ip netns exec "$1" ss -Hltn "sport = :$2") ]] || return 0
		sleep 0.1
	done
	return 1
}

# cable HOST1 IF1 ADDRESS1 HOST2 IF2 ADDRESS2
cable() {
	ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
	# IPv6 would have its neighbours say something on the wire.
	quietly "$1" sysctl -qw "net.ipv6.conf.$2.disable_ipv6=1"
	quietly "$4" sysctl -qw "net.ipv6.conf.$5.disable_ipv6=1"
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$4" addr add "$6" dev "$5"
	ip -n "$1" link set "$2" up
	ip -n "$4" link set "$5" up
}

# captured FILE FILTER: how many packets of a capture match
captured() {
	tcpdump -nr "$1" "$2" 2>/dev/null | wc -l
}

trap 'failed "$last"' ERR
trap end EXIT
last='making the three hosts'
[[ ! -e /etc/toyvpn/vpn0.conf ]] || failed 'this is no guest: it has a vpn0 of its own'

modprobe toyvpn
for host in $hosts; do
	ip netns add "$host"
	ip -n "$host" link set lo up
done
cable client eth0 192.0.2.10/24 server eth0 192.0.2.1/24
cable server eth1 203.0.113.1/24 web eth0 203.0.113.80/24
head -c 2000000 < <(yes "$marker") >secret.txt
start web python3 -m http.server --directory "$tmp" 80
start web iperf3 -s

# The way to the server is the provider's, as usual; the tunnel takes over all the rest.
ip -n client route add default via 192.0.2.1
ip -n server route add default via 203.0.113.80

story "The server: a file that says what it has to give, and a user."
at server 'umask 077; mkdir -p /etc/toyvpn; cat > /etc/toyvpn/vpn0.conf <<END
[Interface]
PrivateKey = $(toyvpnctl genkey)
ListenPort = 51820
Address = 10.9.0.1/24
Pool = 10.9.0.0/24
Push = route 0.0.0.0/0
NAT = auto
END'
at server 'echo "correct horse" | toyvpnctl user add anna'
at server 'umask 077; toyvpnctl client new anna --endpoint 192.0.2.1 > anna.conf'
at_background server 'toyvpnctl serve vpn0'
for ((i = 0; i < 300; i++)); do
	! grep -q serving serve.log || break
	sleep 0.1
done
cat serve.log
grep -q serving serve.log

start client tcpdump -U -i eth0 -w wire.pcap
wire=${background[-1]}
start web tcpdump -U -i eth0 -w web.pcap
web=${background[-1]}
listens web 80
for file in wire.pcap web.pcap; do
	last="tcpdump for $file"
	for ((i = 0; i < 100; i++)); do
		[[ ! -s $file ]] || break
		sleep 0.1
	done
	[[ -s $file ]]
done

story "The client has anna.conf from the server, and anna's password."
at client 'umask 077; echo "correct horse" > password'
at client 'sed -i "s,^Login.*,&\nPasswordFile = $PWD/password\nKillSwitch = yes," anna.conf; cat anna.conf | sed "s/^PrivateKey.*/PrivateKey = .../"'
at client 'toyvpnctl up ./anna.conf'
at client 'toyvpnctl status'
at client 'ip -brief address show dev anna'

story "Does it work?"
at client 'ping -c 3 -i 0.5 -W 5 10.9.0.1'
at client 'ping -c 3 -i 0.5 -W 5 203.0.113.80'

story "A download from the web server, through the tunnel and the server's NAT."
at client 'curl --silent --show-error --max-time 50 --output copy.txt --write-out "%{size_download} bytes\n" http://203.0.113.80/secret.txt'
at client 'sha256sum secret.txt copy.txt'
cmp -s secret.txt copy.txt || failed 'what arrived is not what the web server has'
sleep 0.5
stop "$wire"
stop "$web"

story "What somebody sees who listens on the wire between client and server: UDP, and noise in it."
at client 'tcpdump -nr wire.pcap -c 8 2>/dev/null'
all=$(captured wire.pcap 'not arp')
tunnel=$(captured wire.pcap 'udp port 51820')
secrets=$(grep -c -a -F "$marker" wire.pcap || :)
open=$(grep -c -a -F "$marker" web.pcap || :)
addresses=$(captured wire.pcap 'host 203.0.113.80 or net 10.9.0.0/24')
echo
echo "packets on the wire: $all, of the tunnel: $tunnel; lines of the file in them: $secrets;"
echo "packets with an address from inside: $addresses (between server and web server, where nothing"
echo "is encrypted, lines of the file: $open)"
((tunnel > 100)) || failed 'the capture does not show the tunnel'
((all == tunnel)) || failed 'there was something else on the wire'
((open > 100)) || failed 'the file cannot be seen even where it is not encrypted'
((secrets == 0)) || failed 'the file can be seen on the wire'
((addresses == 0)) || failed 'addresses from inside can be seen on the wire'
(($(captured web.pcap 'tcp and host 203.0.113.1') > 0)) || failed 'the web server did not see the NAT'
(($(captured web.pcap 'net 10.9.0.0/24') == 0)) || failed 'an address from inside left the server'

story "The state of the tunnel, and who has which address."
at client 'toyvpnctl show'
at server 'toyvpnctl show'
at server 'toyvpnctl lease list'

story "Its speed, from the client to the web server and back."
listens web 5201
at client 'iperf3 -c 203.0.113.80 -t 3 -f m | grep -E "sender|receiver"'
at client 'iperf3 -c 203.0.113.80 -t 3 -f m -R | grep -E "sender|receiver"'

story "All of it undone."
at client 'toyvpnctl down anna'
at client 'ip -brief link show; nft list ruleset'

story "demo: ok"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The main job, to look at: a client reaches a web server on the internet through a tunnel to its
# VPN server, which masquerades. Run it in a guest: make demo.
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

story "A key pair for each of the two."
at server 'umask 077; toyvpnctl genkey > server.key; toyvpnctl pubkey < server.key > server.pub'
at client 'umask 077; toyvpnctl genkey > client.key; toyvpnctl pubkey < client.key > client.pub'

story "The server: a link, its address, its peer."
at server 'ip link add vpn0 type toyvpn'
at server 'ip addr add 10.9.0.1/24 dev vpn0'
at server 'toyvpnctl set vpn0 private-key server.key listen-port 51820'
at server 'toyvpnctl set vpn0 peer $(cat client.pub) allowed-ips 10.9.0.2/32'
at server 'ip link set vpn0 up'

story "It forwards what comes out of the tunnel to the internet, behind its own address."
at server 'sysctl -w net.ipv4.ip_forward=1'
at server 'nft add table ip nat'
at server 'nft add chain ip nat postrouting "{ type nat hook postrouting priority srcnat; }"'
at server 'nft add rule ip nat postrouting ip saddr 10.9.0.0/24 oifname eth1 masquerade'

story "The client: the same, and its way to everywhere is the tunnel."
at client 'ip link add vpn0 type toyvpn'
at client 'ip addr add 10.9.0.2/24 dev vpn0'
at client 'toyvpnctl set vpn0 private-key client.key peer $(cat server.pub) endpoint 192.0.2.1:51820 allowed-ips 0.0.0.0/0'
at client 'ip link set vpn0 up'
at client 'ip route add default dev vpn0'

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

story "The state of the tunnel."
at client 'toyvpnctl show'
at server 'toyvpnctl show'

story "Its speed, from the client to the web server and back."
listens web 5201
at client 'iperf3 -c 203.0.113.80 -t 3 -f m | grep -E "sender|receiver"'
at client 'iperf3 -c 203.0.113.80 -t 3 -f m -R | grep -E "sender|receiver"'

story "demo: ok"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KillSwitch: from "up" to "down" nothing is seen on the wire but the tunnel, whatever happens.
# clock: virtual
# timeout: 1200

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

conf=$tmp/home.conf

# write_conf [KILLSWITCH [HOST]]
write_conf() {
	cat >"$conf" <<-END
	[Interface]
	PrivateKey = $(<"$tmp/left.key")
	Address = 10.9.0.1/24, fd09::1/64
	KillSwitch = ${1:-yes}
	[Peer]
	PublicKey = ${key[right]}
	Endpoint = ${2:-192.0.2.2}:$port
	AllowedIPs = 0.0.0.0/0, ::/0
	END
}

# chatter: left sends to all the world, until $tmp/stop: pings, TCP, UDP, of both families
chatter() {
	while [[ ! -e $tmp/stop ]]; do
		ping -q -c 1 -W 1 203.0.113.7
		ping -q -c 1 -W 1 2001:db8:7::7
		ping -q -c 1 -W 1 192.0.2.2
		ping -q -c 1 -W 1 10.77.0.1
		timeout 1 bash -c 'echo secret >/dev/tcp/203.0.113.7/80'
		echo secret >/dev/udp/203.0.113.7/53
		echo secret >/dev/udp/2001:db8:7::7/53
		sleep 0.2
	done >/dev/null 2>&1
}
export -f chatter
export tmp

end_of_chatter() {
	touch "$tmp/stop"
	wait "$1"
}

# What may be seen: the tunnel, DHCP, and neighbours and multicast groups of the link. Of what right
# sends nothing is looked at.
mac=''
stray() {
	tcpdump -nr "$tmp/wire.pcap" "ether src $mac and not (udp port $port and host 192.0.2.2) and not arp
		and not (udp src port 68 and dst port 67) and not (udp src port 546 and dst port 547)
		and not (icmp6 and (ip6[40] >= 131 and ip6[40] <= 136 or ip6[40] == 143))
		and not (ip6 protochain 0 and ip6 dst net ff02::/16)" 2>/dev/null
}

watch_wire() {
	rm -f "$tmp/wire.pcap"
	background on right tcpdump -Z root -U -i eth0 -w "$tmp/wire.pcap" >"$tmp/tcpdump" 2>&1
	capture=$!
	wait_for 300 grep -q 'listening on' "$tmp/tcpdump"
}

# nothing_out: since watch_wire
nothing_out() {
	local seen

	sleep 1
	kill_and_wait "$capture"
	seen=$(stray)
	[[ -s $tmp/wire.pcap ]]
	[[ -z $seen ]] || {
		head -n 20 <<<"$seen"
		return 1
	}
}

# closed SECONDS CMD...: while CMD and for SECONDS afterwards, nothing leaves but what may
closed() {
	local seconds=$1

	shift
	watch_wire
	"$@"
	pass "$seconds"
	nothing_out
}

umask 077
ns left right
veth_pair left eth0 right eth0
mac=$(on left cat /sys/class/net/eth0/address)
addr left eth0 192.0.2.1/24 2001:db8::1/64
addr right eth0 192.0.2.2/24 2001:db8::2/64
ip -n left route add default via 192.0.2.2
ip -n left -6 route add default via 2001:db8::2
addr right lo 203.0.113.7/32 2001:db8:7::7/128 10.77.0.1/32
far_end 10.9.0.1/32,fd09::1/128 10.9.0.2/24 fd09::2/64
write_conf

open() {
	watch_wire
	pings left 203.0.113.7
	if nothing_out; then
		return 1
	fi
}
check "without it, the capture sees what leaves" open

check "up" closed 5 on left toyvpnctl up "$conf"
background on left bash -c chatter
defer end_of_chatter $!
check "through the tunnel" pings left 203.0.113.7
check "and IPv6" pings left 2001:db8:7::7
check "nothing else leaves" closed 10 true
check "the server disappears" closed 300 ip -n right link set vpn0 down
check "for the client, nothing comes" no_ping left 203.0.113.7
check "it is back" ip -n right link set vpn0 up
check "and the tunnel again" goes left 203.0.113.7 120
check "the link is removed" closed 5 ip -n left link del home
status_says() {
	local line

	line=$(on left toyvpnctl status home) || :
	echo "$line"
	[[ $line == *"nothing leaves outside"* ]]
}
check "status says that it is closed" status_says
check "up again" closed 5 on left toyvpnctl up "$conf"

killed() {
	spawn on left toyvpnctl up "$conf" --stay
	pass 3
	kill -9 $!
	pass 3
	ip -n left link del home
}
check "the process is killed, and the link goes" closed 10 killed
# The next one undoes what is there, and then fails itself
fails() {
	local status=0

	cp "$conf" "$tmp/good.conf"
	sed -i 's/^\[Peer\]/PostUp = false\n&/' "$conf"
	on left toyvpnctl up "$conf" || status=$?
	cp "$tmp/good.conf" "$conf"
	((status == 1))
}
check "an up that fails" closed 5 fails
check "up once more" closed 5 on left toyvpnctl up "$conf"
flushed() {
	on left nft flush ruleset
	on left toyvpnctl reload "$conf"
}
check "all rules are flushed, and a reload" flushed
check "nothing else leaves" closed 5 true

other_network() {
	ip -n left addr flush dev eth0 scope global
	pass 5
	addr left eth0 192.0.2.11/24 2001:db8::11/64
	ip -n left route replace default via 192.0.2.2
	ip -n left -6 route replace default via 2001:db8::2
}
check "the network changes" closed 30 other_network
# Routes around the tunnel, which somebody adds by mistake
around() {
	ip -n left rule add priority 1 lookup main
	pass 5
	ip -n left rule del priority 1 lookup main
}
check "a rule around the tunnel" closed 3 around
reloads() {
	write_conf local
	on left toyvpnctl reload "$conf"
	pings left 10.77.0.1 -I eth0
	no_ping left 203.0.113.7 -I eth0
}
check "KillSwitch = local, by reload: the local network is there, and no other" reloads
check "down" on left toyvpnctl down home
check "and all is open again" pings left 203.0.113.7
check_equal "and no table of ours left" "" "$(on left nft list tables | grep kill || :)"

# An "up" that cannot connect stays closed
unanswered() {
	local status=0

	write_conf
	sed -i 's/192.0.2.2:/192.0.2.9:/' "$conf"
	on left toyvpnctl up "$conf" || status=$?
	((status == 1))
}
check "nobody answers" unanswered
check "nothing leaves" closed 10 true
check "still closed" no_ping left 203.0.113.7
check "until down" on left toyvpnctl down home
check "then all is open" pings left 203.0.113.7

# The server has a name, which nobody can be asked for once all is closed.
mkdir -p /etc/netns/left
defer rm -rf /etc/netns/left
echo "nameserver 192.0.2.2" >/etc/netns/left/resolv.conf
spawn on right dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces \
	--user=root --pid-file= --listen-address=192.0.2.2 --address=/vpn.test/192.0.2.2
write_conf yes vpn.test
stay() {
	spawn on left toyvpnctl up "$conf" --stay >"$tmp/log" 2>&1
	stay=$!
}
ended() {
	if kill -0 "$stay" 2>/dev/null; then
		return 1
	fi
}
# The link is gone, and the process that kept it has ended.
lost() {
	ip -n left link del home
	wait_for 60 ended
}
knows_name() {
	wait_for 60 on left getent ahosts vpn.test
}
no_name() {
	if on left getent ahosts vpn.test; then
		return 1
	fi
}
check "a name for the server" knows_name
stay
check "up --stay, by this name" goes left 203.0.113.7 120
check "which nobody can be asked for now" no_name
check "the link is removed" closed 5 lost
stay
check "up --stay again, by the address that the name had" closed 5 goes left 203.0.113.7 120
check "the link is removed again" closed 5 lost
check "an up that fails" closed 5 fails
check "up, by the address that the name had" closed 5 on left toyvpnctl up "$conf"
check "through the tunnel" pings left 203.0.113.7
check "down" on left toyvpnctl down home
check "and the name is asked for" knows_name

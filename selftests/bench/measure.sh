#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154 # variables of lib.sh
# measure.sh TUNNEL WORKLOAD...: what these cost through a tunnel. Runs in the guest.
#
# For each workload a line on file descriptor 3: TUNNEL, WORKLOAD, how much it was, the ns that the
# processors were busy with it, the ns that went by, the ns that each processor was busy. A workload
# that a tunnel cannot do has none.

here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=selftests/lib.sh
. "$here/../lib.sh"
# shellcheck source=selftests/bench/tunnels.sh
. "$here/tunnels.sh"

# load WORDS...: traffic from left to right; what it cost is then in $tmp/cost
load() {
	traffic left right "${inner4[right]}" "$@"
}

# traffic WORDS...: a load, of whatever namespaces. With PROFILE=FILE, that shows what functions the
# instructions go to. Round trips are all alike: a period that is in step with them would meet one place.
traffic() {
	if [[ -z ${PROFILE:-} ]]; then
		timeout 600 "$built/load" "$@" >"$tmp/cost"
		return
	fi
	sysctl -qw kernel.kptr_restrict=0
	timeout 600 perf record -q -a -e cpu-clock -c 7919 -o "$tmp/perf" "$built/load" "$@" >"$tmp/cost"
	perf report -q -i "$tmp/perf" --stdio --sort symbol 2>/dev/null | sed -n 1,60p >"$PROFILE"
}

# quiet: nothing else goes on, such as the end of the last tunnel's namespaces
quiet() {
	local before after

	read -r before _ <"$clock"
	sleep 0.5
	read -r after _ <"$clock"
	# A tenth; emulated processors of a busy host seem busy themselves.
	((after - before < 50000000 * $(nproc) ** 2))
}

# offloads STATE GRO: what the cable's ends leave to the stack
offloads() {
	local netns

	for netns in left right; do
		on "$netns" ethtool -K eth0 tx-udp-segmentation "$1" tso "$1" gso "$1" gro "$2"
	done
}

# card: as bulk, over what any network card does
card() {
	offloads off on
	load tcp "$bulk"
	offloads on off
}

# handshake: what a link costs more when a ping makes it shake hands
handshake() {
	local with without

	load restart 20 vpn0
	read -r -a without <"$tmp/cost"
	load handshake 20 vpn0
	read -r -a with <"$tmp/cost"
	echo "20 $((with[1] - without[1])) $((with[2] - without[2]))" >"$tmp/cost"
}

# router: to a third host, behind right, which masquerades
router() {
	ns host
	veth_pair right eth1 host eth0
	addr right eth1 198.51.100.1/24
	addr host eth0 198.51.100.2/24
	forwarding right
	on right nft 'add table nat; add chain nat out { type nat hook postrouting priority srcnat; };
		add rule nat out oif eth1 masquerade'
	through 198.51.100.0/24
	wait_for 30 on left ping -c 1 -W 1 198.51.100.2
	traffic left host 198.51.100.2 tcp "$bulk"
}

# loss: 2 % are lost and some overtake others, after the stack has segmented them. Which ones decides what
# TCP makes of it, by a tenth and more: so several times, each with others.
loss() {
	local seed

	offloads off off
	ip -n right link add ifb0 type ifb
	ip -n right link set ifb0 up
	on right tc qdisc add dev eth0 ingress
	on right tc filter add dev eth0 parent ffff: matchall action mirred egress redirect dev ifb0
	for ((seed = 1; seed <= 5; seed++)); do
		on right tc qdisc replace dev ifb0 root netem limit 10000 delay 10ms reorder 2% loss 2% seed "$seed"
		load tcp 20000000
		cat "$tmp/cost" >>"$tmp/costs"
	done
	awk '{ for (i = 1; i <= NF; i++) sum[i] += $i } END { print sum[1], sum[2], sum[3], sum[4] }' \
		"$tmp/costs" >"$tmp/cost"
	on right tc qdisc del dev eth0 ingress
	ip -n right link del ifb0
	offloads on off
}

# workload NAME
workload() {
	case $1 in
	bulk | cpus-*) load tcp "$bulk" ;;
	duplex) load duplex "$bulk" ;;
	udp-64) load udp 5000 64 1 ;;
	udp-1400) load udp 5000 1400 1 ;;
	udp-64-burst) load udp 10000 64 64 ;;
	udp-1400-burst) load udp 10000 1400 64 ;;
	ping) load ping 2000 ;;
	request) load request 2000 ;;
	peers)
		more_peers 10000
		load tcp "$bulk"
		;;
	*) "$1" ;;
	esac
}

name=$1
shift
built=$selftests/../build/forky/bench
clock=/sys/module/toyvpn_bench/parameters/clock
bulk=30000000
[[ $name != none ]] || bulk=300000000
outside
for netns in left right; do
	# IPv6 has a word to say whenever a link comes up.
	on "$netns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
done
tunnel "$name"
wait_for 30 on left ping -c 1 -W 1 "${inner4[right]}"
for one in "$@"; do
	if can "$name" "$one"; then
		wait_for 300 quiet
		workload "$one"
		echo "$name $one $(<"$tmp/cost")" >&3
		ok "$one"
	fi
done

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One flow that is too much for one CPU: others help, and what they do leaves in order, whatever happens
# meanwhile.
# smp: 4
# timeout: 300
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# session CIPHER: from scratch
session() {
	local netns

	for netns in left right; do
		on "$netns" toyvpnctl set vpn0 ciphers "$1"
		ip -n "$netns" link set vpn0 down
		ip -n "$netns" link set vpn0 up
		addr "$netns" vpn0 "${inner6[$netns]}/64"
	done
	shows left right state disconnected
	reach left right
	[[ $(shown left right cipher) == "$1" ]]
}

# helped BEFORE-OUT BEFORE-IN: other CPUs did some of the work on both sides since
helped() {
	(($(counter left tx_batches_spread) > $1 && $(counter right rx_batches_spread) > $2))
}

# blast ADDRESS: until others have helped; how busy a CPU is is known after some of it
blast() {
	local out in i

	out=$(counter left tx_batches_spread) in=$(counter right rx_batches_spread)
	for ((i = 0; i < 20; i++)); do
		traffic.py ordered left right "$1" "$(amount 12)"
		if helped "$out" "$in"; then
			return
		fi
	done
	echo "nobody helped: $(counter left tx_batches_spread), was $out; $(counter right rx_batches_spread), was $in"
	return 1
}

# jam: one CPU sends as fast as it can; its process is sender
jam() {
	: >"$tmp/jam"
	traffic.py jam left right "${inner4[right]}" >"$tmp/jam" &
	sender=$!
	wait_for 30 grep -q jammed "$tmp/jam"
}

# meanwhile CMD...: while it does
meanwhile() {
	jam
	"$@"
	kill "$sender"
	wait "$sender"
}

# down_and_up: both links, again and again
down_and_up() {
	local i netns

	for ((i = 0; i < $(amount 8); i++)); do
		for netns in left right; do
			ip -n "$netns" link set vpn0 down
			sleep 0.1
			ip -n "$netns" link set vpn0 up
			addr "$netns" vpn0 "${inner6[$netns]}/64"
		done
		wait_for 10 on left ping -q -c 1 -W 1 "${inner4[right]}"
	done
}

# away: what is sent goes nowhere while the peer is
away() {
	local i

	for ((i = 0; i < $(amount 8); i++)); do
		on left toyvpnctl set vpn0 peer "${key[right]}" remove
		sleep 0.1
		on left toyvpnctl set vpn0 peer "${key[right]}" endpoint "$(endpoint 4 right)" \
			allowed-ips "${inner4[right]}/32,${inner6[right]}/128"
		wait_for 10 on left ping -q -c 1 -W 1 "${inner4[right]}"
	done
}

# steer MASK: the CPUs that open what arrives at right
steer() {
	# shellcheck disable=SC2016 # expanded there, where /sys is the namespace's
	on right sh -c 'for file in /sys/class/net/eth0/queues/rx-*/rps_cpus; do echo "$1" >"$file"; done' sh "$1"
}

# steered: one after another
steered() {
	local i

	for ((i = 0; i < $(amount 40); i++)); do
		steer $((1 << i % 4))
		sleep 0.05
	done
	steer 0
}

# come_and_go: CPUs
come_and_go() {
	local cpu

	for cpu in 1 2 3; do
		echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"
		sleep 0.1
		echo 1 >"/sys/devices/system/cpu/cpu$cpu/online"
	done
}

# and_tcp CMD...: bytes that are compared
and_tcp() {
	local pid

	traffic.py tcp left right "${inner4[right]}" "$(amount 2000000)" &
	pid=$!
	"$@"
	wait "$pid"
}

tunnel_pair 4
for cipher in chacha20-poly1305 aes-256-gcm; do
	check "a session with $cipher" session "$cipher"
	check "$cipher: in order, IPv4" blast "${inner4[right]}"
	check "$cipher: in order, IPv6" blast "${inner6[right]}"
	check "$cipher: TCP, both ways" traffic.py tcp left right "${inner4[right]}" "$(amount 2000000)"
done
check "what arrives goes to one CPU after another" and_tcp meanwhile steered
check "CPUs come and go" and_tcp meanwhile come_and_go
check "links go down and up meanwhile" meanwhile down_and_up
check "a peer comes and goes meanwhile" meanwhile away
check "and then" reach left right
jam
check "the receiving link is removed meanwhile" ip -n right link del vpn0
sleep 0.1
check "and the sending one" ip -n left link del vpn0
kill_and_wait "$sender"

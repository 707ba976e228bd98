#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An AEAD that answers later and elsewhere, as those of accelerators do, and on old kernels AES-NI at times:
# what arrives is what was sent, also while allocations fail, and links go while messages are under way.
# timeout: 1200
# debug: yes

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

# of_gcm FIELD: what /proc/crypto says of the transform that who asks for AES-GCM gets
of_gcm() {
	awk -v field="$1" '
		$1 != "" { has[$1] = $3 }
		NF == 0 && has["name"] == "gcm(aes)" && has["priority"] > most {
			most = has["priority"]
			found = has[field]
		}
		END { print found }' /proc/crypto
}

# make_late DRIVER: pcrypt has other processors do it, and is preferred to what does it at once
make_late() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET).bind(("aead", f"pcrypt({sys.argv[1]})"))' "$1"
}

both_ways() {
	traffic.py tcp left right "${inner4[right]}" "$(amount 1000000)"
	traffic.py udp left "${inner4[left]}" right "${inner4[right]}" "$(amount 40)" 20800 1300
	traffic.py udp right "${inner4[right]}" left "${inner4[left]}" "$(amount 300)" 1300
}

# links_go: each time under load, and come back
links_go() {
	local netns pinger round

	for round in {1..10}; do
		spawn on left ping -q -f -s 1000 "${inner4[right]}" >"$tmp/ping$round" 2>&1
		pinger=$!
		traffic.py tcp left right "${inner4[right]}" "$(amount 200000)"
		for netns in left right; do
			ip -n "$netns" link set vpn0 down
		done
		kill "$pinger"
		wait "$pinger" || :
		for netns in left right; do
			ip -n "$netns" link set vpn0 up
			addr "$netns" vpn0 "${inner6[$netns]}/64"
		done
		reach left right
	done
}

# sessions_end: with their links. Who holds a transform of pcrypt's holds pcrypt
sessions_end() {
	ip -n left link del vpn0
	ip -n right link del vpn0
	wait_for 20 modprobe -r pcrypt
}

# It keeps what it finds when it comes
modprobe toyvpn
# pcrypt nests locks of one class, which lockdep takes for a deadlock
prove=/proc/sys/kernel/prove_locking
if [[ -e $prove ]]; then
	defer eval "echo $(<$prove) >$prove"
	echo 0 >$prove
fi
if ! make_late "$(of_gcm driver)" 2>/dev/null; then
	skip "ciphers that answer later" "this kernel has no pcrypt"
	exit
fi
before=$(of_gcm refcnt)
tunnel_pair 4
check "a session" reach left right
check_equal "with AES-GCM" aes-256-gcm "$(shown left right cipher)"
check "which answers later" test "$(of_gcm refcnt)" -gt "$before"
check "TCP and UDP, both ways" both_ways
check "links go down under load" links_go
if [[ -e /proc/self/fail-nth && -d /sys/kernel/debug/failslab ]]; then
	results tunnel_faults.py
	check "afterwards" both_ways
fi
check "no session outlives its link" sessions_end

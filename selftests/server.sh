# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of lib.sh
# What stories with a VPN server have in common: it is in right, its clients come from left. Source
# it after net.sh.

users=$tmp/users
leases=/var/lib/toyvpn/vpn0.leases
defer rm -f "$leases" "$leases-wal" "$leases-shm"

# user WORDS...: of toyvpnctl user, on the server's file
user() {
	toyvpnctl user "$@" --users "$users"
}

# keys NAME...: key pairs in $tmp/NAME.key and $tmp/NAME.pub
keys() {
	local name

	for name in "$@"; do
		make_key "$name"
		echo "${key[$name]}" >"$tmp/$name.pub"
	done
}

# server_file LINES...: $tmp/vpn0.conf, the server's, with these lines after its own of [Interface]
server_file() {
	[[ -e $tmp/right.key ]] || keys right
	(
		umask 077
		printf '%s\n' "[Interface]" "PrivateKey = $(<"$tmp/right.key")" "ListenPort = $port" \
			"Address = 10.9.0.1/24, fd09::1/64" "Users = $users" "$@" >"$tmp/vpn0.conf"
	)
}

# server [WORDS...]: start it and wait until it serves; its process is server_pid, $tmp/log what it says
server() {
	: >"$tmp/log"
	# Not "on", whose shell would have the process id, and nothing of it in the pipe to check.
	ip netns exec right toyvpnctl serve "$tmp/vpn0.conf" "$@" >>"$tmp/log" 2>&1 &
	server_pid=$!
	echo "$server_pid" >"$tmp/server.pid"
	wait_for 30 grep -q "vpn0: serving" "$tmp/log" || {
		cat "$tmp/log"
		return 1
	}
}

# stop_server [SIGNAL]: end it
stop_server() {
	server_pid=$(cat "$tmp/server.pid" 2>/dev/null) || return 0
	rm "$tmp/server.pid"
	kill "-${1:-TERM}" "$server_pid"
	while [[ -e /proc/$server_pid ]]; do
		sleep 0.1
	done
}
defer stop_server

# joins NAME [LOGIN [PASSWORD [SECONDS]]]: what a client with the keys of NAME gets
joins() {
	on left clients.py join "${outer4[right]}" "$tmp/right.pub" "$tmp/$1.key" "${2-$1}" \
		"${3-password of ${2-$1}}" "${4-60}"
}

# crowd NUMBER SEED [SECONDS [PASSWORD]]: as many clients at once, all as the user "crowd"; see clients.py
crowd() {
	on left clients.py crowd "${outer4[right]}" "$tmp/right.pub" 10.50.0.0/16 "$1" "$2" crowd \
		"${4-crowded}" "${3-60}"
}

# crowd_outside: addresses for it, and its user. The hash of its password is one that costs next to
# nothing: what is looked at is the rest, and a crowd on an emulated processor would take minutes.
crowd_outside() {
	outside
	ip -n left route add local 10.50.0.0/16 dev lo
	ip -n right route add 10.50.0.0/16 via "${outer4[left]}"
	cat >"$tmp/hash.c" <<-EOF
		#include <sodium.h>
		#include <stdio.h>

		int main(void)
		{
			char text[crypto_pwhash_STRBYTES];

			if (crypto_pwhash_str(text, "crowded", 7, crypto_pwhash_OPSLIMIT_MIN,
					      crypto_pwhash_MEMLIMIT_MIN))
				return 1;
			return printf("crowd:%s\n", text) < 0;
		}
	EOF
	gcc -o "$tmp/hash" "$tmp/hash.c" -lsodium
	"$tmp/hash" >"$users"
}

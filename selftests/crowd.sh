#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A thousand clients join at once: all are let in, each with an address of its own.
# timeout: 900

# shellcheck source=selftests/lib.sh
# shellcheck disable=SC2119 # of functions that can do without words
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"
# shellcheck source=selftests/server.sh
. "$selftests/server.sh"

clients=$(amount 1000)
crowd_outside
server_file "Pool = 10.9.0.0/20, fd09::/64" "Push = route 10.0.0.0/8; dns 10.9.0.1"
server

# all_joined SEED: all of the crowd of that seed, in $tmp/crowd
all_joined() {
	crowd "$clients" "$1" 300 >"$tmp/crowd"
	awk '{ print $2 }' "$tmp/crowd" | sort | uniq -c
	[[ $(grep -c ' address 10[.]9[.][0-9.]*/20 address fd09::[0-9a-f]*/64 route 10.0.0.0/8 dns 10.9.0.1$' \
		"$tmp/crowd") == "$clients" ]]
	[[ $(awk '/ address / { print $3 }' "$tmp/crowd" | sort -u | wc -l) == "$clients" ]]
	[[ $(awk '/ address / { print $5 }' "$tmp/crowd" | sort -u | wc -l) == "$clients" ]]
}
# as_leased: what they were told is what the server keeps
as_leased() {
	awk '/ address / { sub("/20", "", $3); sub("/64", "", $5); print $1, $3, $5 }' "$tmp/crowd" |
		sort >"$tmp/told"
	sqlite3 -separator ' ' "$leases" 'SELECT public_key, ipv4, ipv6 FROM lease' | sort >"$tmp/kept"
	cmp "$tmp/told" "$tmp/kept"
}
check "$clients clients at once" all_joined first
diag "$(tail -n 1 "$tmp/crowd")"
check "have what the server keeps of them" as_leased
check "the kernel has all of them" test "$(on right toyvpnctl show vpn0 peers | wc -l)" == "$clients"
sort "$tmp/told" >"$tmp/before"
again() {
	stop_server
	server
	all_joined first
	as_leased
	cmp "$tmp/before" "$tmp/told"
}
check "after the server and its link were gone all come back, and have the same addresses" again
diag "$(tail -n 1 "$tmp/crowd")"

# guessed: each is told, and the log has twenty of them and how many more there were
guessed() {
	local guesses=50 told more

	: >"$tmp/log"
	crowd "$guesses" guess 60 wrong >"$tmp/crowd"
	[[ $(grep -c ' refused$' "$tmp/crowd") == "$guesses" ]]
	wait_for 30 grep -q ' more were refused$' "$tmp/log"
	cat "$tmp/log"
	told=$(grep -c ': refused: wrong login$' "$tmp/log")
	more=$(awk '/ more were refused$/ { n += $(NF - 3) } END { print n + 0 }' "$tmp/log")
	((told < guesses && told + more == guesses))
}
check "who guess passwords do not fill the log" guessed

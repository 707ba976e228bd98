#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The server is killed again and again while clients join: no address is given twice, none that a
# client was told of is forgotten, none is kept by nobody.
# timeout: 900

# shellcheck source=selftests/lib.sh
# shellcheck disable=SC2119 # of functions that can do without words
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"
# shellcheck source=selftests/server.sh
. "$selftests/server.sh"

crowd_outside
server_file "Pool = 10.9.0.0/24, fd09::/64"
: >"$tmp/all"

# query SQL: of the leases as they are on disk
query() {
	sqlite3 -separator ' ' "$leases" "$1"
}

# holds: what has to, after each crash
holds() {
	[[ $(query "PRAGMA integrity_check") == ok ]]
	[[ -z $(query "SELECT slot FROM lease GROUP BY ipv4 HAVING count(*) > 1") ]]
	[[ -z $(query "SELECT slot FROM lease GROUP BY ipv6 HAVING count(*) > 1") ]]
	[[ -z $(query "SELECT slot FROM lease WHERE ipv4 <> '10.9.0.' || slot OR slot < 2 OR slot > 254") ]]
}

# told: what clients of the last crowd heard is what is kept, and always was
told() {
	awk '/ address / { sub("/24", "", $3); print $1, $3 }' "$tmp/crowd" | tee -a "$tmp/all" >"$tmp/told"
	awk '!/^seconds/ { print $1 }' "$tmp/crowd" >>"$tmp/clients"
	query "SELECT public_key, ipv4 FROM lease" | sort >"$tmp/kept"
	[[ -z $(sort -u "$tmp/told" | comm -23 - "$tmp/kept") ]]
	[[ -z $(sort -u "$tmp/all" | cut -d' ' -f1 | uniq -d) ]]
}

# The crowd is of 20 clients, the same in two rounds of three; the server is killed while they join.
# What is killed early enough lets nobody in, late enough everybody: so by now and then it is neither.
round() {
	local i=$1 crowd seed=$(($1 - $1 % 3 / 2))

	server
	crowd 20 "$seed" 20 >"$tmp/crowd" &
	crowd=$!
	sleep "$((RANDOM % 3)).$((RANDOM % 10))"
	stop_server KILL
	holds
	server
	sleep "0.$((RANDOM % 10))"
	stop_server KILL
	holds
	server
	wait "$crowd"
	told
	stop_server KILL
	holds
	diag "round $i: $(grep -c ' address ' "$tmp/crowd") joined, $(query 'SELECT count(*) FROM lease') leases"
}
for ((i = 0; i < $(amount 6); i++)); do
	check "killed three times while 20 clients join" round "$i"
done

last() {
	server
	crowd 20 last 60 >"$tmp/crowd"
	[[ $(grep -c ' address ' "$tmp/crowd") == 20 ]]
	told
	stop_server
	holds
}
check "in the end 20 more join" last

# Each lease is of a client that there was, and of the one user.
nobody() {
	[[ $(query "SELECT DISTINCT login FROM lease") == crowd ]]
	query "SELECT public_key FROM lease" | sort >"$tmp/kept"
	sort -u "$tmp/clients" | comm -23 "$tmp/kept" - >"$tmp/strange"
	[[ ! -s $tmp/strange ]]
}
check "no address is kept by nobody" nobody

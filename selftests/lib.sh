# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What every story sources: results in KTAP, clean-up, namespaces, tunnels.
#
#	#!/bin/bash
#	# What this story is about, in a sentence.
#	# clock: virtual		(optional: idle time costs nothing; default real; long for hours: vm/boot.sh)
#	# timeout: 60			(optional: seconds of the guest's clock)
#	# suites: all			(optional: check-all runs it on each suite, not on the default one alone)
#	# debug: yes			(optional: check-all KERNEL=debug runs it on that kernel, not on the default suite)
#	. "$(dirname "$0")/lib.sh"
#	tunnel_pair
#	check "ping crosses the tunnel" on left ping -c 3 "${inner4[right]}"
#
# A command that fails outside of check ends the story as failed. Clean-up happens by itself.

set -Eeuo pipefail

selftests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH=$PATH:$selftests/peer

# tmp: a folder for the story's files, gone afterwards
tmp=$(mktemp -d)

#
# Results
#

tests_run=0 tests_failed=0
deferred=()

# diag TEXT: lines for the reader of the report
diag() {
	local text=$*

	echo "# ${text//$'\n'/$'\n# '}"
}

# ok TITLE: one test passed
ok() {
	echo "ok $((++tests_run)) - $1"
}

# not_ok TITLE [DIAGNOSTIC]: one test failed
not_ok() {
	tests_failed=$((tests_failed + 1))
	echo "not ok $((++tests_run)) - $1"
	[[ -z ${2:-} ]] || diag "$2"
}

# skip TITLE WHY: one test cannot be done here
skip() {
	echo "ok $((++tests_run)) - $1 # SKIP $2"
}

# attempt CMD...: run CMD, which may be a function; its output and status are left in the variables
# output and status, and which command it was that failed in $tmp/failed. Every command of a function
# must succeed, not just its last one: bash would ignore "set -e" wherever the status of the function
# is looked at, so it is not looked at.
attempt() {
	: >"$tmp/failed"
	trap - ERR
	set +e
	output=$(
		trap 'failed >"$tmp/failed"' ERR
		set -e
		"$@" 2>&1
	)
	status=$?
	set -e
	trap failed ERR
}

# failed: of a trap on ERR, say which command it was
failed() {
	diag "${BASH_SOURCE[1]##*/}:${BASH_LINENO[0]}: this failed: $BASH_COMMAND"
}

# check TITLE CMD...: passed if CMD succeeds; what it printed is shown if it does not
check() {
	local title=$1 output status

	shift
	attempt "$@"
	if ((status == 0)); then
		ok "$title"
	else
		not_ok "$title" "$* ended with $status"$'\n'"$output"
		cat "$tmp/failed"
	fi
}

# check_refused TITLE TEXT CMD...: passed if CMD exits with 1 and prints one line, with TEXT in it
check_refused() {
	local title=$1 text=$2 output status

	shift 2
	attempt "$@"
	if [[ $status == 1 && $output == *"$text"* && $output != *$'\n'* ]]; then
		ok "$title"
	else
		not_ok "$title" "$* ended with $status"$'\n'"$output"$'\n'"expected: $text"
	fi
}

# check_equal TITLE EXPECTED ACTUAL
check_equal() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
	else
		not_ok "$1" "expected: $2"$'\n'"actual:   $3"
	fi
}

# amount N: so many times, or on a slow kernel as many as take about as long
amount() {
	echo $(($1 / ${SLOW:-1}))
}

#
# Clean-up and waiting
#

# defer CMD...: run CMD when the story ends, the last deferred first
defer() {
	deferred+=("${*@Q}")
}

# spawn CMD...: run CMD in the background until the story ends; its process id is $!
spawn() {
	background "$@"
	defer kill_and_wait $!
}

# background CMD...: run CMD in the background; its process id is $!, not that of a shell around it
background() {
	if [[ $1 == on ]]; then
		shift
		ip netns exec "$@" &
	else
		"$@" &
	fi
}

# kill_and_wait PID: end a process of ours, if it is still there
kill_and_wait() {
	kill "$1" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# wait_for SECONDS CMD...: run CMD again and again until it succeeds; fails after SECONDS
wait_for() {
	local seconds=$1 deadline more=$1

	shift
	deadline=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		# The clock may have jumped, or we have stood still: as many more tries
		((SECONDS < deadline || more-- > 0)) || return 1
		sleep 0.1
	done
}

end_of_story() {
	local status=$? i

	trap - ERR EXIT
	set +e
	for ((i = ${#deferred[@]} - 1; i >= 0; i--)); do
		eval "${deferred[i]}"
	done
	rm -rf "$tmp"
	((status == 0)) || not_ok "the story runs to its end" "it ended with $status"
	((tests_run > 0)) || not_ok "the story tests something"
	diag "$((tests_run - tests_failed)) of $tests_run ok"
	exit $((tests_failed > 0))
}

trap failed ERR
trap end_of_story EXIT
echo "KTAP version 1"

#
# Namespaces
#

# ns NAME...: make network namespaces with lo up, gone when the story ends
ns() {
	local name

	for name in "$@"; do
		ip netns add "$name"
		defer del_ns "$name"
		ip -n "$name" link set lo up
	done
}

# del_ns NAME: unless the story has done it
del_ns() {
	[[ ! -e /run/netns/$1 ]] || ip netns del "$1"
}

# on NS CMD...: run CMD in a namespace
on() {
	ip netns exec "$@"
}

# veth_pair NS1 IF1 NS2 IF2: a cable between two namespaces, both ends up
veth_pair() {
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

# addr NS IF ADDRESS/LENGTH...: give an interface addresses, usable at once
addr() {
	local netns=$1 link=$2 address

	shift 2
	for address in "$@"; do
		if [[ $address == *:* ]]; then
			ip -n "$netns" addr add "$address" dev "$link" nodad
		else
			ip -n "$netns" addr add "$address" dev "$link"
		fi
	done
}

# forwarding NS: make a namespace a router for both families
forwarding() {
	on "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

#
# Tunnels. key[NAME] is a namespace's public key, its private one is in $tmp/NAME.key.
#

declare -A key
# shellcheck disable=SC2034 # for the stories
declare -A outer4=([left]=192.0.2.1 [right]=192.0.2.2)
# shellcheck disable=SC2034
declare -A outer6=([left]=2001:db8::1 [right]=2001:db8::2)
declare -A inner4=([left]=10.9.0.1 [right]=10.9.0.2)
declare -A inner6=([left]=fd09::1 [right]=fd09::2)
port=51820

# make_key NS: a namespace has a private key in $tmp/NS.key, unless it has one, and its public key in
# key[NS]
make_key() {
	[[ -e $tmp/$1.key ]] || (umask 077 && toyvpnctl genkey >"$tmp/$1.key")
	key[$1]=$(toyvpnctl pubkey <"$tmp/$1.key")
}

# vpn_link NS [LINK]: a link in a namespace, with a key of its own and a port. Its UDP socket stays
# in the namespace where it is made.
vpn_link() {
	local netns=$1 link=${2:-vpn0}

	make_key "$netns"
	ip -n "$netns" link add "$link" type toyvpn
	on "$netns" toyvpnctl set "$link" listen-port "$port" private-key "$tmp/$netns.key"
}

# outside: left and right, joined by a cable, eth0 in each, with addresses of both families
outside() {
	local netns

	ns left right
	veth_pair left eth0 right eth0
	for netns in left right; do
		addr "$netns" eth0 "${outer4[$netns]}/24" "${outer6[$netns]}/64"
	done
}

# endpoint FAMILY NS: where a namespace is reached from outside, FAMILY being 4 or 6
endpoint() {
	if [[ $1 == 6 ]]; then
		echo "[${outer6[$2]}]:$port"
	else
		echo "${outer4[$2]}:$port"
	fi
}

# tunnel_pair [4|6] [WORDS...]: left and right with a tunnel between them, over the outer family
# that is given (IPv4 if none). WORDS go to both sides' toyvpnctl set, after peer KEY.
tunnel_pair() {
	local family=${1:-4} netns other

	shift $(($# > 0))
	outside
	vpn_link left
	vpn_link right
	for netns in left right; do
		[[ $netns == left ]] && other=right || other=left
		on "$netns" toyvpnctl set vpn0 peer "${key[$other]}" \
			endpoint "$(endpoint "$family" "$other")" \
			allowed-ips "${inner4[$other]}/32,${inner6[$other]}/128" "$@"
		addr "$netns" vpn0 "${inner4[$netns]}/24" "${inner6[$netns]}/64"
		ip -n "$netns" link set vpn0 up
	done
}

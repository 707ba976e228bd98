# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of lib.sh
# What stories with traffic have in common. Source it after lib.sh.

# shown NS OTHER FIELD: what "toyvpnctl show" says of a peer of NS, by its JSON
shown() {
	on "$1" toyvpnctl show vpn0 --json |
		jq -r --arg key "${key[$2]}" --arg field "$3" \
			'.[0].peers[] | select(.public_key == $key)[$field]'
}

# shows NS OTHER FIELD VALUE: wait until it does
shows() {
	wait_for 30 shown_is "$@" || {
		echo "$3 of $2 at $1 is $(shown "$1" "$2" "$3"), not $4"
		return 1
	}
}

shown_is() {
	[[ $(shown "$1" "$2" "$3") == "$4" ]]
}

# counter NS NAME: of ethtool -S
counter() {
	on "$1" ethtool -S vpn0 | awk -v name="$2:" '$1 == name { print $2 }'
}

# counts NS NAME CMD...: the counter grows while CMD runs or soon after, whatever CMD returns
counts() {
	local netns=$1 name=$2 before

	before=$(counter "$netns" "$name")
	shift 2
	"$@" || :
	wait_for 10 grown "$netns" "$name" "$before" || {
		echo "$name of $netns is still $before"
		return 1
	}
}

grown() {
	(($(counter "$1" "$2") > $3))
}

# sessions NS: how many its handshakes have made so far
sessions() {
	counter "$1" handshakes_completed
}

# pings NS ADDRESS [OPTIONS...]: three answers of three
pings() {
	local netns=$1 address=$2

	shift 2
	on "$netns" ping -q -c 3 -i 0.1 -W 10 "$@" "$address" | tee /dev/stderr | grep -q ' 0% packet loss'
}

# no_ping NS ADDRESS [OPTIONS...]: nothing comes back
no_ping() {
	local netns=$1 address=$2

	shift 2
	! on "$netns" ping -q -c 2 -i 0.2 -W 1 "$@" "$address"
}

# reach NS1 NS2: each pings the other through the tunnel, by both inner families
reach() {
	pings "$1" "${inner4[$2]}"
	pings "$2" "${inner4[$1]}"
	pings "$1" "${inner6[$2]}"
	pings "$2" "${inner6[$1]}"
}

# results CMD...: run a program that reports in KTAP; its results are this story's
results() {
	local line plan=''

	while IFS= read -r line; do
		case $line in
		"KTAP version"*) ;;
		"ok "*"# SKIP "*) skip "$(title "${line%% # SKIP *}")" "${line##*# SKIP }" ;;
		"ok "*) ok "$(title "$line")" ;;
		"not ok "*) not_ok "$(title "$line")" ;;
		1..*) plan=$line ;;
		*) diag "${line#\# }" ;;
		esac
	done < <("$@" 2>&1 || :)
	[[ $plan ]] || not_ok "$1 runs to its end"
}

# title LINE: of a result
title() {
	echo "${1#* - }"
}

# far_end NETWORKS ADDRESS...: right is set up by hand as the other end of a tunnel that toyvpnctl
# makes in left, whose key is left.key: it takes NETWORKS from there, and has these addresses inside
far_end() {
	make_key left
	vpn_link right
	on right toyvpnctl set vpn0 peer "${key[left]}" allowed-ips "$1"
	addr right vpn0 "${@:2}"
	ip -n right link set vpn0 up
}

# user_space_peer 4|6: left has a tunnel, of which the other end is no module but a program in
# right: one of peer/, run by "as_peer PROGRAM". It can use the inner addresses of right.
user_space_peer() {
	outside
	vpn_link left
	make_key right
	echo "${key[left]}" >"$tmp/left.pub"
	on left toyvpnctl set vpn0 peer "${key[right]}" endpoint "$(endpoint "$1" right)" \
		allowed-ips "${inner4[right]}/32,${inner6[right]}/128"
	addr left vpn0 "${inner4[left]}/24" "${inner6[left]}/64"
	ip -n left link set vpn0 up
}

# as_peer PROGRAM [4|6 [WORDS...]]: its results are this story's
as_peer() {
	local -n outer=outer${2:-4}

	results on right "$1" left "${outer[left]}" "$tmp/left.pub" "${outer[right]}" "$tmp/right.key" \
		"${@:3}"
}

# honest: one more peer of left, with a module of its own, at 10.9.0.9
honest() {
	ns honest
	veth_pair honest eth0 left honest
	addr honest eth0 203.0.113.2/24
	addr left honest 203.0.113.1/24
	vpn_link honest
	on honest toyvpnctl set vpn0 peer "${key[left]}" endpoint "203.0.113.1:$port" \
		allowed-ips "${inner4[left]}/32"
	on left toyvpnctl set vpn0 peer "${key[honest]}" allowed-ips 10.9.0.9/32
	addr honest vpn0 10.9.0.9/24
	ip -n honest link set vpn0 up
}

# pass SECONDS: let time go by; for stories with a virtual clock, which costs nothing
pass() {
	sleep "$1"
}

# goes NS ADDRESS SECONDS: one ping is answered sooner or later
goes() {
	wait_for "${3:-20}" on "$1" ping -c 1 -W 1 "$2"
}

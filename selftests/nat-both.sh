#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Both ends are behind a router that masquerades and lets nothing in that was not asked for:
# persistent keepalives from both sides open the way, and keep it open.
# clock: virtual
# timeout: 1500

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

declare -A router=([left]=198.51.100.1 [right]=198.51.100.2) home=([left]=10.1.0 [right]=10.2.0)

# routers: left -- home.left -- internet -- home.right -- right
routers() {
	local netns

	ns left right home.left home.right
	veth_pair home.left wan home.right wan
	for netns in left right; do
		veth_pair "$netns" eth0 "home.$netns" lan
		addr "$netns" eth0 "${home[$netns]}.2/24"
		ip -n "$netns" route add default via "${home[$netns]}.1"
		addr "home.$netns" lan "${home[$netns]}.1/24"
		addr "home.$netns" wan "${router[$netns]}/24"
		forwarding "home.$netns"
		on "home.$netns" nft -f - <<-EOF
		table ip router {
			chain in {
				type filter hook input priority filter
				iifname wan ct state new drop
			}
			chain through {
				type filter hook forward priority filter
				iifname wan ct state new drop
			}
			chain out {
				type nat hook postrouting priority srcnat
				oifname wan masquerade
			}
		}
		EOF
	done
}

# ends: each knows the other one's router, and asks for keepalives
ends() {
	local netns other

	vpn_link left
	vpn_link right
	for netns in left right; do
		[[ $netns == left ]] && other=right || other=left
		on "$netns" toyvpnctl set vpn0 peer "${key[$other]}" endpoint "${router[$other]}:$port" \
			allowed-ips "${inner4[$other]}/32" persistent-keepalive 25
		addr "$netns" vpn0 "${inner4[$netns]}/24"
	done
}

# forgets NS: its router forgets all connections, as if it was restarted
forgets() {
	on "home.$1" conntrack -F
}

# no_way_in: what was not asked for does not come through
no_way_in() {
	on home.left ip route add "${home[right]}.0/24" via "${router[right]}"
	no_ping home.left "${home[right]}.2"
	on home.left ip route del "${home[right]}.0/24"
}

routers
ends
check "nothing gets in by itself" no_way_in
ip -n left link set vpn0 up
pass 7
check "one side alone gets no answer" shows left right reason no-answer
ip -n right link set vpn0 up
check "both sides meet" goes left "${inner4[right]}"
check "and back" pings right "${inner4[left]}"
pass 300
check "after five idle minutes, from outside in" pings left "${inner4[right]}"
pass 300
check "and the other way" pings right "${inner4[left]}"
for netns in left right; do
	check "the router of $netns is restarted" forgets "$netns"
	pass 60
	check "keepalives have opened the way again" pings left "${inner4[right]}"
	check "and back" pings right "${inner4[left]}"
done

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2004,SC2154 # variables of lib.sh
# A server under a flood. Source it after lib.sh and net.sh.
#
# left has a tunnel with right, the server; new is one that makes a new handshake; stranger
# floods. Each has a cable of its own to right:
#
#	left (192.0.2.1) --- eth0 (192.0.2.2)    right
#	new (198.51.100.1) - eth1 (198.51.100.2) right
#	stranger ----------- eth2 (203.0.113.2)  right		claims to be 198.18.0.0/15
#
# What right sends to 198.18.0.0/15 goes out to a station that is not there.

# flood_network toyvpn|wireguard
flood_network() {
	local netns

	protocol=$1 flooders=()
	defer calm
	tool=toyvpnctl
	[[ $1 == toyvpn ]] || tool=wg
	inner4[new]=10.9.0.3
	ns left right new stranger
	veth_pair left eth0 right eth0
	veth_pair new eth0 right eth1
	veth_pair stranger eth0 right eth2
	addr left eth0 192.0.2.1/24
	addr right eth0 192.0.2.2/24
	addr new eth0 198.51.100.1/24
	addr right eth1 198.51.100.2/24
	addr right eth2 203.0.113.2/24
	ip -n right neigh add 203.0.113.1 lladdr 02:00:00:00:00:99 dev eth2 nud permanent
	ip -n right route add 198.18.0.0/15 via 203.0.113.1
	for netns in left right new; do
		make_key "$netns"
		ip -n "$netns" link add vpn0 type "$protocol"
		on "$netns" "$tool" set vpn0 listen-port "$port" private-key "$tmp/$netns.key"
		addr "$netns" vpn0 "${inner4[$netns]}/24"
		ip -n "$netns" link set vpn0 up
	done
	on right "$tool" set vpn0 peer "${key[left]}" allowed-ips "${inner4[left]}/32"
	on right "$tool" set vpn0 peer "${key[new]}" allowed-ips "${inner4[new]}/32"
	on left "$tool" set vpn0 peer "${key[right]}" allowed-ips "${inner4[right]}/32" \
		endpoint "192.0.2.2:$port"
}

# flood KIND [FLOODERS]: until calm; see peer/flood.py. What that does with data needs some traffic
# from left to right while it starts.
flood() {
	local mac i

	mac=$(ip -n right -j link show eth2 | jq -r '.[0].address')
	for ((i = 0; i < ${2:-1}; i++)); do
		background flood.py "$1" "$protocol" "${key[right]}" stranger eth0 "$mac" 203.0.113.2 \
			left eth0 >"$tmp/flood.$i"
		flooders+=($!)
	done
	while ((i--)); do
		wait_for 60 grep -q flooding "$tmp/flood.$i"
	done
}

# calm: ends the flood. Leaves in the variable flooded how many messages a second it was
calm() {
	local pid i

	for pid in "${flooders[@]}"; do
		kill_and_wait "$pid"
	done
	flooded=0
	for i in "${!flooders[@]}"; do
		flooded=$((flooded + $(awk '/ a second/ { print $1 }' "$tmp/flood.$i")))
	done
	flooders=()
}

# new_handshake: milliseconds until a packet of new is answered. It begins without a session and
# without a cookie.
new_handshake() {
	on new "$tool" set vpn0 peer "${key[right]}" remove
	on new "$tool" set vpn0 peer "${key[right]}" allowed-ips "${inner4[right]}/32" \
		endpoint "198.51.100.2:$port"
	on new ping -c 1 -W 60 "${inner4[right]}" | sed -n 's/.*time=\([0-9]*\).*/\1/p'
}

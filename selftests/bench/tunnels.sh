# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of lib.sh
# The tunnels that are measured, each as fast as it can be. Source it after lib.sh.
#
# outside() comes first. Then left and right reach each other at their inner addresses, with packets of
# at most $mtu bytes: through a link vpn0 on each side, or by eth0 without a tunnel and with ESP, which
# is measured both ways.

mtu=1420

# can NAME WORKLOAD: handshakes of others than these are user space's, and what nobody routes has no peers
can() {
	case $2 in
	handshake) [[ $1 == @(wireguard|toyvpn-*) ]] ;;
	peers) [[ $1 == @(wireguard|esp*|toyvpn-*) ]] ;;
	esac
}

# tunnel NAME: one of these between left and right
tunnel() {
	local netns

	kind=$1
	case $kind in
	none) on_eth0 && return ;;
	esp) esp 0 && on_eth0 && return ;;
	wireguard) keyed wireguard wg ;;
	toyvpn-aes) keyed toyvpn toyvpnctl ciphers aes-256-gcm ;;
	toyvpn-chacha) keyed toyvpn toyvpnctl ciphers chacha20-poly1305 ;;
	esp-link) esp 1 ;;
	ovpn) ovpn ;;
	esac
	for netns in left right; do
		ip -n "$netns" link set vpn0 mtu "$mtu" up
		addr "$netns" vpn0 "${inner4[$netns]}/24"
	done
}

# other NS: left's is right
other() {
	[[ $1 == left ]] && echo right || echo left
}

# on_eth0: the inner addresses without a link
on_eth0() {
	local netns peer

	for netns in left right; do
		peer=$(other "$netns")
		addr "$netns" eth0 "${inner4[$netns]}/32"
		ip -n "$netns" route add "${inner4[$peer]}" dev eth0 src "${inner4[$netns]}" mtu "$mtu"
	done
}

# keyed KIND TOOL [WORDS...]: a link of KIND, which TOOL sets up
keyed() {
	local kind=$1 tool=$2 netns peer

	shift 2
	for netns in left right; do
		(umask 077 && wg genkey >"$tmp/$netns.key")
		key[$netns]=$(wg pubkey <"$tmp/$netns.key")
		ip -n "$netns" link add vpn0 type "$kind"
		on "$netns" "$tool" set vpn0 listen-port "$port" private-key "$tmp/$netns.key" "$@"
	done
	for netns in left right; do
		peer=$(other "$netns")
		on "$netns" "$tool" set vpn0 peer "${key[$peer]}" endpoint "${outer4[$peer]}:$port" \
			allowed-ips "${inner4[$peer]}/32"
	done
}

# through NETWORK: left reaches it by way of right
through() {
	case $kind in
	none | esp) ip -n left route add "$1" via "${outer4[right]}" src "${inner4[left]}" mtu "$mtu" ;;
	*) ip -n left route add "$1" dev vpn0 ;;
	esac
	case $kind in
	esp)
		esp_policies left right 10.9.0.0/24 "$1"
		esp_policies right left "$1" 10.9.0.0/24
		;;
	wireguard) on left wg set vpn0 peer "${key[right]}" allowed-ips "${inner4[right]}/32,$1" ;;
	toyvpn-*) on left toyvpnctl set vpn0 peer "${key[right]}" allowed-ips "+$1" ;;
	esac
}

# more_peers N: each side has so many more, which are idle
more_peers() {
	local netns peers=$1

	case $kind in
	wireguard | toyvpn-*)
		for netns in left right; do
			idle_peers "$peers" >"$tmp/peers"
			on "$netns" "$([[ $kind == wireguard ]] && echo wg || echo toyvpnctl)" \
				addconf vpn0 "$tmp/peers"
		done
		;;
	esp*)
		for netns in left right; do
			idle_states "$peers" >"$tmp/states"
			ip -n "$netns" -batch "$tmp/states"
		done
		;;
	esac
}

# idle_peers N: a file for addconf of WireGuard and of ours
idle_peers() {
	python3 - "$1" <<-'EOF'
		import base64, hashlib, ipaddress, sys
		for i in range(int(sys.argv[1])):
		    print("[Peer]\nPublicKey =", base64.b64encode(hashlib.sha256(b"%d" % i).digest()).decode())
		    print(f"AllowedIPs = {ipaddress.ip_address('10.64.0.0') + i}/32")
	EOF
}

# idle_states N: a batch for ip
idle_states() {
	python3 - "$1" "$link" "${outer4[left]}" <<-'EOF'
		import ipaddress, sys
		count, link, src = int(sys.argv[1]), *sys.argv[2:]
		for i in range(2, count + 2):
		    dst = ipaddress.ip_address("10.64.0.0") + i
		    print(f"xfrm state add src {src} dst {dst} proto esp spi {i} reqid {i} mode tunnel "
		          f"flag esn replay-window 1024 if_id {link} aead rfc4106(gcm(aes)) 0x{i:072} 128 "
		          "encap espinudp 4500 4500 0.0.0.0")
		    print(f"xfrm policy add dir out if_id {link} src 0.0.0.0/0 dst {dst}/32 "
		          f"tmpl src {src} dst {dst} proto esp reqid {i} mode tunnel")
	EOF
}

# esp 0|1: ESP in UDP, AES-256-GCM, with keys that both know; 1: it has a link
esp() {
	local netns peer

	link=$1
	for netns in left right; do
		peer=$(other "$netns")
		spawn on "$netns" "$selftests/bench/encap.py" esp "${outer4[$netns]}"
		((!link)) || ip -n "$netns" link add vpn0 type xfrm dev eth0 if_id "$link"
		esp_state "$netns" "$netns" "$peer"
		esp_state "$netns" "$peer" "$netns"
		((link)) || esp_policies "$netns" "$peer" 10.9.0.0/24 10.9.0.0/24
		((!link)) || esp_policies "$netns" "$peer" 0.0.0.0/0 0.0.0.0/0
	done
}

# esp_policies NS OTHER NETWORK OTHER-NETWORK: at NS, what goes between these goes through the tunnel
esp_policies() {
	esp_policy "$1" out "$1" "$2" "$3" "$4"
	esp_policy "$1" in "$2" "$1" "$4" "$3"
	esp_policy "$1" fwd "$2" "$1" "$4" "$3"
}

# esp_state NS SRC DST: NS knows this of what goes from SRC to DST
esp_state() {
	local key

	key=$(sha256sum <<<"$2" | cut -c -64)
	ip -n "$1" xfrm state add src "${outer4[$2]}" dst "${outer4[$3]}" proto esp spi 1 reqid 1 \
		mode tunnel flag esn replay-window 1024 if_id "$link" aead 'rfc4106(gcm(aes))' "0x${key}01234567" 128 \
		encap espinudp 4500 4500 0.0.0.0
}

# esp_policy NS DIRECTION SRC DST SRC-NETWORK DST-NETWORK
esp_policy() {
	ip -n "$1" xfrm policy add dir "$2" if_id "$link" src "$5" dst "$6" \
		tmpl src "${outer4[$3]}" dst "${outer4[$4]}" proto esp reqid 1 mode tunnel
}

# ovpn: OpenVPN's data channel in the kernel, AES-256-GCM, with keys that both know
ovpn() {
	local netns peer

	for netns in left right; do
		peer=$(other "$netns")
		ip -n "$netns" link add vpn0 type ovpn
		spawn on "$netns" "$selftests/bench/encap.py" ovpn "${outer4[$netns]}" "${outer4[$peer]}"
	done
}

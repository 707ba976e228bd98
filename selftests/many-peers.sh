#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Thousands of peers and of allowed IPs: set from a file, dumped, changed meanwhile, broken off.
# timeout: 900

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

peers=$(amount 5000)
networks=$(amount 20000)

# vpn WORDS...: toyvpnctl where the interface is
vpn() {
	on lone toyvpnctl "$@"
}

# make_files: in $tmp, a configuration (conf) and what "show dump" prints of its peers (dump); the
# same with one peer of many networks (wide, its key in wide.key)
make_files() {
	python3 - "$tmp" "$peers" "$networks" <<-'EOF'
		import base64, ipaddress, os, sys

		tmp, peers, networks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		key = lambda: base64.b64encode(os.urandom(32)).decode()
		address = lambda base, i: str(ipaddress.ip_address(base) + i)

		def section(conf, public, psk, endpoint, ips, keepalive):
		    conf.write(f"[Peer]\nPublicKey={public}\nPresharedKey={psk}\nEndpoint={endpoint}\n"
		               f"AllowedIPs={', '.join(ips)}\nPersistentKeepalive={keepalive}\n")

		with open(f"{tmp}/conf", "w") as conf, open(f"{tmp}/dump", "w") as dump:
		    conf.write("[Interface]\n")
		    for i in range(peers):
		        peer = (key(), key(), f"{address('192.0.2.0', i % 200 + 1)}:{i + 1}",
		                [address("10.1.0.0", i) + "/32", address("fd01::", i) + "/128"], i % 100)
		        section(conf, *peer)
		        public, psk, endpoint, ips, keepalive = peer
		        dump.write("\t".join([public, psk, endpoint, ",".join(ips), "0", "0", "0",
		                              str(keepalive or "off")]) + "\n")

		ips = [address("10.128.0.0", 4 * i) + "/30" for i in range(networks // 2)]
		ips += [address("fd02::", 4 * i) + "/126" for i in range(networks - len(ips))]
		public = key()
		with open(f"{tmp}/wide", "w") as conf:
		    section(conf, public, key(), "192.0.2.1:1", ips, 7)
		with open(f"{tmp}/wide.ips", "w") as out:
		    out.writelines(ip + "\n" for ip in sorted(ips))
		with open(f"{tmp}/wide.key", "w") as out:
		    out.write(public + "\n")
	EOF
}

# same_dump: the dump has the peers of conf and no others, their networks in any order
same_dump() {
	vpn show vpn0 dump | tail -n +2 | awk -F '\t' -v OFS='\t' '{
		n = split($4, ip, ",")
		if (n == 2 && ip[1] ~ /:/)
			$4 = ip[2] "," ip[1]
		print
	}' | sort >"$tmp/got"
	sort "$tmp/dump" | diff - "$tmp/got" >"$tmp/diff" || {
		head "$tmp/diff"
		return 1
	}
}

# ips_of KEY: the peer's allowed IPs, one a line, sorted
ips_of() {
	vpn show vpn0 allowed-ips | grep -F "$1" | cut -f2 | tr ' ' '\n' | sort
}

new_link() {
	on lone ip link del vpn0 2>/dev/null || :
	on lone ip link add vpn0 type toyvpn
}

ns lone
new_link
umask 077
make_files
wide=$(<"$tmp/wide.key")

#
# All of it, once
#

sets() {
	vpn "$1" vpn0 "$tmp/conf"
	same_dump
}
check "setconf of $peers peers, and the dump has them all" sets setconf
check "syncconf of the same" sets syncconf
check "setconf of the same" sets setconf
half() {
	vpn showconf vpn0 >"$tmp/all"
	awk -v half="$((peers / 2))" '/^\[Peer\]/ { n++ } n < half' "$tmp/all" >"$tmp/half"
	vpn syncconf vpn0 "$tmp/half"
	[[ $(vpn show vpn0 peers | wc -l) == $((peers / 2 - 1)) ]]
	vpn syncconf vpn0 "$tmp/all"
	same_dump
}
check "syncconf takes half of them away and brings them back" half
check "addconf of a peer with $networks networks" vpn addconf vpn0 "$tmp/wide"
check "all of which the dump has" diff "$tmp/wide.ips" <(ips_of "$wide")
fewer() {
	vpn set vpn0 peer "$wide" allowed-ips -fd02::/126,+fd03::/64
	[[ $(ips_of "$wide" | wc -l) == "$networks" ]]
	ips_of "$wide" | diff "$tmp/wide.ips" - >"$tmp/diff" || :
	[[ $(grep '^[<>]' "$tmp/diff") == $'< fd02::/126\n> fd03::/64' ]]
}
check "one goes and one comes" fewer
json() {
	[[ $(vpn show vpn0 --json | jq '.[0].peers | length') == $((peers + 1)) ]]
	[[ $(vpn showconf vpn0 --json | jq --arg key "$wide" \
		'.peers[] | select(.public_key == $key).allowed_ips | length') == "$networks" ]]
}
check "all of it as JSON" json
emptied() {
	vpn set vpn0 peer "$wide" allowed-ips ""
	[[ $(ips_of "$wide") == "(none)" ]]
	vpn set vpn0 peer "$wide" remove
	same_dump
}
check "it loses them all, and goes" emptied

#
# A dump while other peers come and go: each peer that stays is there once, and whole
#

churn() {
	local key

	key=$(toyvpnctl genkey | toyvpnctl pubkey)
	while :; do
		vpn addconf vpn0 "$tmp/wide"
		vpn set vpn0 peer "$key" allowed-ips 10.200.0.0/16
		vpn set vpn0 peer "$key" remove peer "$wide" remove
	done
}
dumps_hold() {
	for _ in {1..10}; do
		vpn show vpn0 dump 2>"$tmp/err" | tail -n +2 | cut -f1-3 | sort >"$tmp/got"
		cut -f1-3 "$tmp/dump" | sort | comm -23 - "$tmp/got" >"$tmp/missing"
		[[ ! -s $tmp/missing ]]
		cut -f1 "$tmp/got" | sort | uniq -d >"$tmp/double"
		[[ ! -s $tmp/double ]]
		[[ $(grep -vc "the peers changed while they were read" "$tmp/err") == 0 ]]
	done
}
churn >"$tmp/churn" 2>&1 &
churn_pid=$!
defer kill_and_wait "$churn_pid"
check "dumps while peers come and go" dumps_hold
kill -0 "$churn_pid" || not_ok "peers came and went to the end" "$(<"$tmp/churn")"
kill_and_wait "$churn_pid"

#
# Broken off: no peer is ever half there
#

# break_off CMD FILE: start, and kill it at some time. In the foreground, or timeout would kill
# itself as well, and the tool may still be in the kernel when we look.
break_off() {
	on lone timeout --foreground -s KILL "0.$((RANDOM % 5))$((RANDOM % 10))" toyvpnctl "$1" vpn0 "$2" || :
}
whole_peers() {
	for _ in {1..8}; do
		new_link
		break_off setconf "$tmp/conf"
		vpn show vpn0 dump | tail -n +2 | cut -f1-3 | sort >"$tmp/got"
		vpn show vpn0 allowed-ips | awk 'NF != 3' >"$tmp/few"
		cut -f1-3 "$tmp/dump" | sort | comm -13 - "$tmp/got" >"$tmp/wrong"
		[[ ! -s $tmp/wrong && ! -s $tmp/few ]]
		wc -l <"$tmp/got"
	done
}
all_networks() {
	local n

	for _ in {1..15}; do
		new_link
		break_off addconf "$tmp/wide"
		n=$(vpn show vpn0 peers | wc -l)
		((n == 0)) || diff "$tmp/wide.ips" <(ips_of "$wide")
		echo "$n"
	done
}
check "setconf is killed: the peers that are there are whole" whole_peers
check "addconf is killed: all networks are there or no peer" all_networks

# The link goes while a configuration comes: all was set before, or one line says that it went.
link_goes() {
	local status=0 setting

	new_link
	vpn setconf vpn0 "$tmp/conf" 2>"$tmp/err" &
	setting=$!
	sleep 0.3
	on lone ip link del vpn0
	wait "$setting" || status=$?
	cat "$tmp/err"
	[[ $(wc -l <"$tmp/err") == "$status" ]]
	[[ -z $(vpn show interfaces) ]]
}
check "the link is deleted meanwhile" link_goes

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A server and three clients, as users have them: each at home behind a router of its own, with a file that
# the server's owner made, and a password. The server gives addresses, the way to all of the world, and a name
# server that one name is blocked by.
#
#	anna (10.1.1.2) --+
#	bert (10.1.2.2) --+-- right (server, 192.0.2.2) ---- web (203.0.113.80): nginx, and the usual name server
#	carl (10.1.3.2) --+
# timeout: 600
# suites: all

# shellcheck source=selftests/lib.sh
# shellcheck disable=SC2119 # of functions that can do without words
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"
# shellcheck source=selftests/server.sh
. "$selftests/server.sh"

people=(anna bert carl)

ns right web "${people[@]}"
addr right lo 192.0.2.2/32
veth_pair right eth1 web eth0
addr right eth1 203.0.113.1/24
addr web eth0 203.0.113.80/24
# The server's provider
ip -n right route add default via 203.0.113.80
ip -n web route add 10.1.0.0/16 via 203.0.113.1
forwarding right
for i in 1 2 3; do
	name=${people[i - 1]}
	veth_pair "$name" eth0 right "to-$name"
	addr "$name" eth0 "10.1.$i.2/24"
	addr right "to-$name" "10.1.$i.1/24"
	ip -n "$name" route add default via "10.1.$i.1"
	mkdir -p "/etc/netns/$name" "$tmp/$name"
	defer rm -rf "/etc/netns/$name"
	echo "nameserver 203.0.113.80" >"/etc/netns/$name/resolv.conf"
done

cat >"$tmp/nginx.conf" <<-EOF
	user root;
	daemon off;
	pid $tmp/nginx.pid;
	error_log $tmp/nginx.log;
	events { }
	http {
		access_log off;
		server {
			listen 203.0.113.80:80;
			root $tmp/site;
			location = /who { return 200 "\$remote_addr\n"; }
		}
	}
EOF
mkdir "$tmp/site"
head -c 500000 /dev/urandom >"$tmp/site/file"
spawn on web nginx -c "$tmp/nginx.conf"

dnsmasq=(dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces
	--user=root --pid-file= --cache-size=0 --address=/www.test/203.0.113.80)
spawn on web "${dnsmasq[@]}" --listen-address=203.0.113.80 --address=/ads.test/203.0.113.66

# every CMD...: for each of the three
every() {
	local name

	for name in "${people[@]}"; do
		"$@" "$name" || {
			echo "this was $name"
			return 1
		}
	done
}

# finds NAME HOST [ADDRESS]: what a client finds, nothing if there is no address
finds() {
	local got

	got=$(on "$1" getent ahostsv4 "$2") || :
	echo "$2 is ${got:-not found}"
	[[ ${got%% *} == "${3:-}" ]]
}

# sees_ads NAME, sees_none NAME
sees_ads() {
	finds "$1" ads.test 203.0.113.66
}
sees_none() {
	finds "$1" www.test 203.0.113.80 && finds "$1" ads.test
}

# seen_as NAME ADDRESS: by the web server
seen_as() {
	local who

	who=$(on "$1" curl -sS --max-time 60 http://www.test/who)
	echo "$who"
	[[ $who == "$2" ]]
}
as_itself() {
	seen_as "$1" "$(ip -n "$1" -j -4 addr show eth0 | jq -r '.[].addr_info[0].local')"
}
as_server() {
	seen_as "$1" 203.0.113.1
}

# downloads NAME
downloads() {
	on "$1" curl -sS --max-time 120 --output "$tmp/$1/file" http://www.test/file &&
		cmp "$tmp/$1/file" "$tmp/site/file"
}

check "before: a name that nobody blocks" wait_for 20 every sees_ads
check "before: the web server sees each of them" wait_for 20 every as_itself

#
# The server's owner: a file, three users, a file for each
#

server_file "Pool = 10.9.0.0/24" "Push = route 0.0.0.0/0; dns 10.9.0.1; search inside.test" "NAT = eth1"
# make NAME: a user, and a client's file
make() {
	user add "$1" <<<"password of $1" &&
		(umask 077 && on right toyvpnctl client new "$1" --server "$tmp/vpn0.conf" \
			--endpoint 192.0.2.2 >"$tmp/$1/$1.conf")
}
serves() {
	every make
	server
}
check "users and their files are made, and the server serves" serves
spawn on right "${dnsmasq[@]}" --listen-address=10.9.0.1 --address=/ads.test/

#
# The three
#

at_once() {
	local name pids=()

	for name in "${people[@]}"; do
		# Not by background, whose commands have no stdin
		ip netns exec "$name" toyvpnctl up "$tmp/$name/$name.conf" <<<"password of $name" &
		pids+=($!)
	done
	for name in "${people[@]}"; do
		wait "${pids[0]}"
		pids=("${pids[@]:1}")
		on "$name" toyvpnctl status "$name"
	done
}
check "all come at once, and are let in" at_once

# address NAME: inside
address() {
	ip -n "$1" -j -4 addr show "$1" | jq -r '.[].addr_info[0].local'
}
of_their_own() {
	[[ $(every address | sort -u | grep -c '^10[.]9[.]0[.]') == 3 ]]
	[[ $(on right toyvpnctl lease list --json | jq -r '.[].login' | sort | xargs) == "${people[*]}" ]]
}
check "each has an address of its own" of_their_own
check "they ask the server's name server, which blocks one name" wait_for 20 every sees_none
check "the web server sees the server in place of each" every as_server
check "they download" every downloads

reach_each_other() {
	pings anna "$(address bert)"
	pings bert "$(address carl)"
	pings carl "$(address anna)"
}
check "they reach each other by the server" reach_each_other

# moves: bert has another address while anna downloads
moves() {
	local download

	background downloads anna
	download=$!
	ip -n bert addr del 10.1.2.2/24 dev eth0
	addr bert eth0 10.1.2.9/24
	ip -n bert route add default via 10.1.2.1
	wait_for 30 as_server bert
	wait "$download"
}
check "one moves, the others do not notice" moves

#
# One is a user no more
#

# expelled: its peer is gone; what it sends is no use
expelled() {
	[[ $(on right toyvpnctl show vpn0 peers | wc -l) == 2 ]]
}
goes() {
	user del bert
	wait_for 60 expelled
	no_ping bert 10.9.0.1
	as_server anna
	as_server carl
}
check "one is a user no more: it is out, and the others are not" goes

refused() {
	local said

	on bert toyvpnctl down bert
	if said=$(on bert toyvpnctl up "$tmp/bert/bert.conf" 2>&1 <<<"password of bert"); then
		echo "$said"
		return 1
	fi
	echo "$said"
	[[ $said == *"the peer refused the login"* ]]
}
check "it is told why it is not let in again" refused

# ends NAME: down, if it is not down already
ends() {
	on "$1" toyvpnctl down "$1" 2>&1 || [[ $1 == bert ]]
}
check "down, each of them" every ends
check "afterwards: the usual name server" wait_for 20 every sees_ads
check "afterwards: the web server sees each of them again" every as_itself

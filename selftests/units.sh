#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The units for systemd: a server and a client, each kept by a systemd of its own, which is process 1
# of namespaces in left and right.
# timeout: 600

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"
# shellcheck source=selftests/server.sh
. "$selftests/server.sh"

if ! grep -qw cgroup2 /proc/filesystems; then
	skip "systemd" "this kernel has no cgroup2"
	exit
fi

# Process 1 of NS is manager[NS].
declare -A manager

# boot NS: without a target of Debian's, which would start a whole system
boot() {
	local unshare

	# shellcheck disable=SC2016 # for the shell in there
	background on "$1" unshare --fork --pid --mount --ipc --uts --cgroup --kill-child bash -euc '
		mount -t proc proc /proc
		mount -t tmpfs run /run
		mount -t cgroup2 cgroup2 /sys/fs/cgroup
		mkdir -p /run/systemd/system
		printf "[Unit]\nDefaultDependencies=no\n" >/run/systemd/system/nothing.target
		container=toyvpn exec /lib/systemd/systemd --unit=nothing.target --show-status=no \
			--log-target=console' </dev/null >"$tmp/systemd.$1" 2>&1
	unshare=$!
	wait_for 10 pgrep -P "$unshare"
	manager[$1]=$(pgrep -P "$unshare")
	defer halt "$unshare" "${manager[$1]}"
	wait_for 60 in_there "$1" systemctl is-system-running || {
		cat "$tmp/systemd.$1"
		return 1
	}
}
# halt UNSHARE PID
halt() {
	kill -KILL "$2" 2>/dev/null || :
	wait "$1" 2>/dev/null || :
}

# in_there NS CMD...: run a command where that systemd is process 1
in_there() {
	nsenter -t "${manager[$1]}" -a --wd=/ -- "${@:2}"
}
# main_of NS UNIT: its main process, 0 if it has none
main_of() {
	in_there "$1" systemctl show --property MainPID --value "$2"
}
# active NS UNIT
active() {
	[[ $(in_there "$1" systemctl is-active "$2") == active ]]
}

outside
addr right lo 203.0.113.7/32
ip -n left route add default via "${outer4[right]}"
mkdir -p /etc/toyvpn
user add anna <<<"password of anna"
server_file "Pool = 10.9.0.0/24" "Push = route 203.0.113.0/24"
defer rm -f /etc/toyvpn/vpn0.conf /etc/toyvpn/home.conf /etc/toyvpn/home.password
install -m 600 "$tmp/vpn0.conf" /etc/toyvpn/vpn0.conf
(
	umask 077
	echo "password of anna" >/etc/toyvpn/home.password
	toyvpnctl client new anna --endpoint "${outer4[right]}" >/etc/toyvpn/home.conf
	sed -i 's,^Login.*,&\nPasswordFile = /etc/toyvpn/home.password\nKillSwitch = yes,' \
		/etc/toyvpn/home.conf
)
boot right
boot left

check "systemd finds nothing wrong in them" \
	in_there left systemd-analyze verify --man=no --recursive-errors=no toyvpn@home.service toyvpn-serve@vpn0.service

serves() {
	in_there right systemctl enable --now toyvpn-serve@vpn0
	active right toyvpn-serve@vpn0
	on right toyvpnctl show vpn0 listen-port | grep -x "$port"
}
check "the server serves when systemctl has started it" serves
connects() {
	in_there left systemctl enable --now toyvpn@home
	active left toyvpn@home
	on left toyvpnctl status home
	pings left 203.0.113.7
}
check "the client is connected when systemctl has started it" connects

# What of left leaves outside of the tunnel: somebody there tries all the time.
on right nft -f - <<-EOF
	table inet outside {
		counter seen { }
		chain input {
			type filter hook input priority 0;
			iifname eth0 icmp type echo-request counter name seen
		}
	}
EOF
seen() {
	on right nft -j list counter inet outside seen | jq '.nftables[] | select(.counter).counter.packets'
}
spawn on left ping -q -i 0.1 "${outer4[right]}" >/dev/null 2>&1

# comes_back NS UNIT PID: a new main process, ready
comes_back() {
	wait_for 60 is_other "$@"
	wait_for 60 active "$1" "$2"
}
is_other() {
	local now

	now=$(main_of "$1" "$2")
	((now && now != $3))
}
client_killed() {
	local pid before

	before=$(seen)
	pid=$(main_of left toyvpn@home)
	in_there left systemctl kill --signal "$1" --kill-whom main toyvpn@home
	comes_back left toyvpn@home "$pid"
	pings left 203.0.113.7
	[[ $(seen) == "$before" ]]
}
check "the client is killed: it comes back, and nothing leaves meanwhile" client_killed KILL
check "so it is by a signal that others end with" client_killed TERM
server_killed() {
	local pid lease

	lease=$(toyvpnctl lease list vpn0 | cut -f 1-4)
	pid=$(main_of right toyvpn-serve@vpn0)
	in_there right systemctl kill --signal KILL --kill-whom main toyvpn-serve@vpn0
	comes_back right toyvpn-serve@vpn0 "$pid"
	pings left 203.0.113.7
	[[ $(toyvpnctl lease list vpn0 | cut -f 1-4) == "$lease" ]]
}
check "the server is killed: it comes back, and the client has its address" server_killed

last_handshake() {
	on left toyvpnctl show home latest-handshakes | cut -f 2
}
shook_hands() {
	(($(last_handshake) > before))
}
client_reloads() {
	local pid

	pid=$(main_of left toyvpn@home)
	before=$(last_handshake)
	echo "PersistentKeepalive = 23" >>/etc/toyvpn/home.conf
	in_there left systemctl reload toyvpn@home
	on left toyvpnctl show home persistent-keepalive | grep '23$'
	# It connects anew when it has been told.
	wait_for 30 shook_hands
	pings left 203.0.113.7
	[[ $(main_of left toyvpn@home) == "$pid" ]]
}
check "reload: the same process has what is new in the file" client_reloads
server_reloads() {
	local pid

	pid=$(main_of right toyvpn-serve@vpn0)
	keys bert
	printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.9.0.99\n' "$(<"$tmp/bert.pub")" >>/etc/toyvpn/vpn0.conf
	in_there right systemctl reload toyvpn-serve@vpn0
	wait_for 30 knows_bert
	[[ $(main_of right toyvpn-serve@vpn0) == "$pid" ]]
}
knows_bert() {
	on right toyvpnctl show vpn0 peers | grep -F "$(<"$tmp/bert.pub")"
}
check "reload of the server: likewise" server_reloads

broken() {
	local pid status=0

	pid=$(main_of left toyvpn@home)
	echo "Nonsense = 1" >>/etc/toyvpn/home.conf
	in_there left systemctl reload toyvpn@home || status=$?
	((status != 0))
	sed -i '$d' /etc/toyvpn/home.conf
	active left toyvpn@home
	[[ $(main_of left toyvpn@home) == "$pid" ]]
	pings left 203.0.113.7
}
check "reload of a file with an error fails, and the tunnel stays" broken

# property NAME: of the client's unit
property() {
	in_there left systemctl show --property "$1" --value toyvpn@home
}
# state_is STATE: of the client's unit
state_is() {
	[[ $(property ActiveState) == "$1" ]]
}
# closed: the kill switch is on
closed() {
	on left nft list ruleset | grep toyvpn_kill
}
# open: nothing is left of the client's tunnel, which is no failure
open() {
	[[ -z $(ip -n left -brief link show type toyvpn) ]]
	[[ -z $(on left nft list ruleset) ]]
	[[ $(on left ip rule show) != *fwmark* ]]
	state_is inactive
	[[ $(property Result) == success ]]
}

client_restarts() {
	local pid

	pid=$(main_of left toyvpn@home)
	in_there left systemctl restart toyvpn@home
	comes_back left toyvpn@home "$pid"
	pings left 203.0.113.7
}
check "restart" client_restarts
taken_down() {
	in_there left toyvpnctl down home
	wait_for 30 state_is inactive
	open
	[[ $(property NRestarts) == "$1" ]]
}
check "somebody says down: the service has ended, and is not started again" taken_down "$(property NRestarts)"

# The server is away: a service that starts or reloads waits for it.
away() {
	on right nft "add table inet away; add chain inet away input { type filter hook input priority 0; };
		add rule inet away input udp dport $port drop"
}
back() {
	on right nft delete table inet away
}
stopped_in() {
	closed
	state_is "$1"
	in_there left systemctl stop toyvpn@home
	open
}
starts() {
	in_there left systemctl start --no-block toyvpn@home
	wait_for 30 ip -n left link show home
	wait_for 30 closed
}
stops_starting() {
	starts
	stopped_in activating
}
down_starting() {
	starts
	state_is activating
	taken_down 0
}
killed_starting() {
	local pid before

	starts
	before=$(seen)
	pid=$(main_of left toyvpn@home)
	in_there left systemctl kill --signal KILL --kill-whom main toyvpn@home
	wait_for 60 is_other left toyvpn@home "$pid"
	closed
	[[ $(seen) == "$before" ]]
	stopped_in activating
}
# reloads: not by the command, which has ended, but by what the service says
reloads() {
	state_is reloading &&
		[[ $(property ControlPID) == 0 ]]
}
stops_reloading() {
	in_there left systemctl start toyvpn@home
	cp /etc/toyvpn/home.conf "$tmp/good.conf"
	# Of the server that there is it has a session, so that it would be ready at once.
	sed -i "s,^PublicKey.*,PublicKey = $(toyvpnctl genkey | toyvpnctl pubkey)," /etc/toyvpn/home.conf
	in_there left systemctl reload --no-block toyvpn@home
	wait_for 30 reloads
	stopped_in reloading
}
away
check "stop while it starts, and the server is away: nothing is left" stops_starting
check "down while it starts: likewise, and it is not started again" down_starting
check "killed while it starts: it comes back, and nothing leaves until stop" killed_starting
back
check "stop while it reloads, and no server answers: nothing is left" stops_reloading
cp "$tmp/good.conf" /etc/toyvpn/home.conf
check "start" in_there left systemctl start toyvpn@home
check "it is connected" pings left 203.0.113.7

leaves() {
	(($(seen) > 0))
}
client_stops() {
	in_there left systemctl disable --now toyvpn@home
	[[ -z $(ip -n left -brief link show type toyvpn) ]]
	wait_for 10 leaves
	[[ -z $(on left nft list ruleset) ]]
	[[ $(in_there left systemctl is-failed toyvpn@home) == inactive ]]
}
check "stop: nothing is left of the tunnel, and that is no failure" client_stops
server_stops() {
	in_there right systemctl disable --now toyvpn-serve@vpn0
	[[ $(in_there right systemctl is-failed toyvpn-serve@vpn0) == inactive ]]
}
check "the server stops" server_stops

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# DNS of "up": names are asked of the tunnel's name server, by systemd-resolved, by resolvconf and by
# resolv.conf itself, and afterwards of the one of before, whatever happened.
# timeout: 300

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

conf=$tmp/home.conf

up() {
	on left toyvpnctl up "$conf"
}

down() {
	on left toyvpnctl down home
}

# answers NAME ADDRESS: a program at left finds the address of a name
answers() {
	local got

	got=$(on left getent ahostsv4 "$1" | head -n 1 | cut -d ' ' -f 1) || :
	echo "$1 is $got"
	[[ $got == "$2" ]]
}

# by_tunnel, by_usual: who is asked: each has the other's names wrong
by_tunnel() {
	answers www.test 10.9.0.2
	answers host 10.9.0.22
}

by_usual() {
	answers www.test 192.0.2.2
}

umask 022
ns left right
veth_pair left eth0 right eth0
addr left eth0 192.0.2.1/24
addr right eth0 192.0.2.2/24
mkdir -p /etc/netns/left
defer rm -rf /etc/netns/left
far_end 10.9.0.1/32 10.9.0.2/24 10.9.0.3/24
dnsmasq=(dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces
	--user=root --pid-file= --cache-size=0)
spawn on right "${dnsmasq[@]}" --listen-address=10.9.0.2 --address=/www.test/10.9.0.2 \
	--address=/host.inside.test/10.9.0.22
spawn on right "${dnsmasq[@]}" --listen-address=10.9.0.3 --address=/www.test/10.9.0.3
spawn on right "${dnsmasq[@]}" --listen-address=192.0.2.2 --address=/www.test/192.0.2.2
(
	umask 077
	cat >"$conf" <<-END
	[Interface]
	PrivateKey = $(<"$tmp/left.key")
	Address = 10.9.0.1/24
	DNS = 10.9.0.2, inside.test
	[Peer]
	PublicKey = ${key[right]}
	Endpoint = 192.0.2.2:$port
	AllowedIPs = 10.9.0.0/24
	END
)

# method NAME: which of the three "up" has used
method() {
	jq -r '.steps[].did | select(.[0] == "dns")[1]' /run/toyvpn/netns-*/home.json | grep -qx "$1"
}

# variant NAME: all that is the same for the three
variant() {
	check "$1: before, the usual name server" wait_for 20 by_usual
	check "$1: up" up
	check "$1: it is this that was used" method "$1"
	check "$1: the tunnel's name server, and its domain" wait_for 20 by_tunnel
	check "$1: down" down
	check "$1: the usual one again" wait_for 20 by_usual
	check "$1: up again" up
	check "$1: a reload changes it" reloaded
	check "$1: the link is lost" ip -n left link del home
	check "$1: down undoes it all the same" down
	check "$1: the usual one again" wait_for 20 by_usual
}

# by_another: systemd-resolved asks a link's name servers through that link alone, so it is one there
by_another() {
	answers www.test 10.9.0.3
}

reloaded() {
	sed -i 's/^DNS = .*/DNS = 10.9.0.3/' "$conf"
	on left toyvpnctl reload "$conf"
	wait_for 20 by_another
	sed -i 's/^DNS = .*/DNS = 10.9.0.2, inside.test/' "$conf"
	on left toyvpnctl reload "$conf"
	wait_for 20 by_tunnel
}

#
# resolv.conf: as a file, as a link, mounted, and none
#

# The namespace's own is mounted, which nothing can be put in the place of; this story's is not.
cp -P /etc/resolv.conf "$tmp/resolv.conf"
defer cp -P --remove-destination "$tmp/resolv.conf" /etc/resolv.conf

echo "nameserver 192.0.2.2" >/etc/netns/left/resolv.conf
variant resolv.conf
rm /etc/netns/left/resolv.conf
echo "nameserver 192.0.2.2" >/etc/resolv.conf
variant resolv.conf
check_equal "what was there is there" "nameserver 192.0.2.2" "$(</etc/resolv.conf)"

as_link() {
	echo "nameserver 192.0.2.2" >"$tmp/managed"
	ln -sf "$tmp/managed" /etc/resolv.conf
	up
	by_tunnel
	[[ $(<"$tmp/managed") == "nameserver 192.0.2.2" ]]
	down
	[[ $(readlink /etc/resolv.conf) == "$tmp/managed" ]]
	by_usual
	rm /etc/resolv.conf
}
check "resolv.conf is a link: it is one again" as_link
as_none() {
	up
	by_tunnel
	down
	[[ ! -e /etc/resolv.conf ]]
}
check "there is no resolv.conf: there is none again" as_none
others() {
	echo "nameserver 192.0.2.2" >/etc/resolv.conf
	up
	echo "nameserver 192.0.2.99" >"$tmp/new"
	mv "$tmp/new" /etc/resolv.conf
	down
	[[ $(</etc/resolv.conf) == "nameserver 192.0.2.99" ]]
}
check "somebody else changes it meanwhile: that stays" others
restarted() {
	echo "nameserver 192.0.2.2" >/etc/resolv.conf
	up
	# As after a restart of the machine: nothing is left but what is on disk.
	ip -n left link del home
	rm /run/toyvpn/netns-*/home.json
	up
	by_tunnel
	down
	by_usual
}
check "a restart in between: what was there first is there" restarted
left_behind() {
	up
	[[ $(on right toyvpnctl down home 2>&1) == *"home is not up" ]]
	by_tunnel
	ip -n left link del home
	rm /run/toyvpn/netns-*/home.json
	down
	by_usual
}
check "a restart, and no other up: down puts it back" left_behind
check_refused "and there is nothing more to undo" "home is not up" on left toyvpnctl down home
check_equal "nothing is left in /etc" "/etc/resolv.conf" "$(echo /etc/resolv.conf*)"

#
# resolvconf
#

if [[ -x /usr/sbin/openresolv ]]; then
	cp -P /usr/sbin/resolvconf "$tmp/resolvconf" 2>/dev/null || :
	ln -sf openresolv /usr/sbin/resolvconf
	on left resolvconf -a eth0 <<<"nameserver 192.0.2.2"
	variant resolvconf
	on left resolvconf -d eth0
	[[ ! -e $tmp/resolvconf ]] || cp -P --remove-destination "$tmp/resolvconf" /usr/sbin/resolvconf
else
	skip "resolvconf" "it is not here"
fi

#
# systemd-resolved
#

if [[ -x /usr/lib/systemd/systemd-resolved ]]; then
	mkdir -p /run/dbus
	install -d -o systemd-resolve -g systemd-resolve /run/systemd/resolve
	spawn dbus-daemon --system --nofork --nopidfile
	wait_for 20 test -S /run/dbus/system_bus_socket
	spawn on left /usr/lib/systemd/systemd-resolved
	wait_for 20 test -s /run/systemd/resolve/stub-resolv.conf
	ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
	wait_for 20 on left resolvectl dns eth0 192.0.2.2
	variant resolved
else
	skip "systemd-resolved" "it is not here"
fi

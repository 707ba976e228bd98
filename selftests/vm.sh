#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The guest is the machine that the stories rely on.
# suites: all

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

# bash closes an unfinished tunnel of descriptors without /dev/fd
substitution() {
	[[ $(cat <(echo a) <(echo b)) == $'a\nb' ]]
}

# No network card, and nothing up but loopback: whatever a story does stays inside.
only_loopback() {
	ls /sys/class/net
	[[ $(ip -o link show up | wc -l) == 1 ]]
	ip -o link show up dev lo
	! compgen -G '/sys/class/net/*/device'
}

for cmd in ip ethtool iperf3 ping ncat curl tcpdump nft iptables conntrack wg openvpn openssl python3 \
	modprobe jq sysctl timeout make gcc dnsmasq nginx sqlite3 resolvectl openresolv; do
	check "$cmd is there" command -v "$cmd"
done
check "python3 has cryptography" python3 -c 'import cryptography.hazmat.primitives.ciphers.aead'
check "the kernel is the suite's own" test -d "/lib/modules/$(uname -r)/kernel"
check "the current folder is the checkout" test -x selftests/vm.sh
for dir in /tmp /run /var/tmp /var/log /root /etc; do
	check "$dir is writable" touch "$dir/toyvpn-test"
	rm -f "$dir/toyvpn-test"
done
check "bash has process substitution" substitution
check "there is no way out of the guest" only_loopback
check "tun devices can be made" ip tuntap add dev tun9 mode tun
defer ip link del tun9
check "loopback is up" ping -c 1 -W 5 ::1
ns left
check "namespaces can be made" on left ping -c 1 -W 5 127.0.0.1
check "modules load" modprobe dummy
defer modprobe -r dummy

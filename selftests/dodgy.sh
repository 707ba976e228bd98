#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a virtual machine behind us says of its packets (where their checksum goes, how they are to be cut)
# need not be true, and is either done or harms nobody.
# debug: yes
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

tunnel_pair 4
ip -n left tuntap add guest mode tap vnet_hdr
ip -n left link set guest up
addr left guest 198.51.100.1/24
forwarding left
on right toyvpnctl set vpn0 peer "${key[left]}" allowed-ips "${inner4[left]}/32,198.51.100.0/24"
ip -n right route add 198.51.100.0/24 dev vpn0
# Else what was cut is whole again before it can be looked at
on right ethtool -K vpn0 gro off
check "before: left reaches right" pings left "${inner4[right]}"
results dodgy.py
check "after: left reaches right" pings left "${inner4[right]}"

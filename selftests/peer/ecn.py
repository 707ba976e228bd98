#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""RFC 6040 at both ends of a tunnel, for every combination of headers. Run by ecn.sh."""

import ipaddress
import socket
import sys

import ktap
import packets
import toyvpn as tv
from ktap import equal
from rig import from_arguments

ADDRESSES = {4: ("10.9.0.2", "10.9.0.1"), 6: ("fd09::2", "fd09::1")}
NAMES = ["Not-ECT", "ECT(1)", "ECT(0)", "CE"]
DROPPED = None

# RFC 6040, section 4.2: by the inner field, what comes out for each outer one.
EGRESS = [
    [0, 0, 0, DROPPED],
    [1, 1, 1, 3],
    [2, 1, 2, 3],
    [3, 3, 3, 3],
]
DSCP = 0x28 << 2


def tos_options(family):
    """(level, option to send with, option to receive with, type of what is received)"""
    if family == 4:
        return socket.IPPROTO_IP, socket.IP_TOS, 13, socket.IP_TOS
    return socket.IPPROTO_IPV6, socket.IPV6_TCLASS, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS


def set_tos(sock, family, tos):
    level, send, _, _ = tos_options(family)
    sock.setsockopt(level, send, tos)


def receive_tos(sock, family):
    level, _, receive, _ = tos_options(family)
    sock.setsockopt(level, receive, 1)


def receive(sock, family):
    """(payload, traffic class of its header)"""
    data, control, _, _ = sock.recvmsg(65536, 64)
    level, _, _, kind = tos_options(family)
    values = [value for got_level, got_kind, value in control if (got_level, got_kind) == (level, kind)]
    return data, values[0][0]


def egress(host, peer, outer, inner):
    source, target = ADDRESSES[inner]
    session = peer.connect()
    sock = host.udp_socket(target)
    receive_tos(sock, inner)
    for inside, row in enumerate(EGRESS):
        for outside, wanted in enumerate(row):
            what = f"{NAMES[inside]} in {NAMES[outside]}"
            packet = packets.udp(source, target, what.encode(), tos=DSCP | inside)
            set_tos(peer.socket, outer, outside)
            if wanted is DROPPED:
                with host.counts("rx_drop_ecn"):
                    peer.send(session.seal(packet))
                continue
            peer.send(session.seal(packet))
            data, tos = receive(sock, inner)
            equal(data, what.encode(), "what arrived")
            equal(NAMES[tos & 3], NAMES[wanted], what)
            equal(tos & ~3, DSCP, "DSCP inside")
    set_tos(peer.socket, outer, 0)
    sock.close()


def ingress(host, peer, outer, inner):
    target, source = ADDRESSES[inner]
    session = peer.connect()
    sock = host.udp_socket(source)
    receive_tos(peer.socket, outer)
    for inside, name in enumerate(NAMES):
        set_tos(sock, inner, DSCP | inside)
        sock.sendto(name.encode(), (target, 4000))
        while True:
            message, tos = receive(peer.socket, outer)
            packet = session.open(message) if message[0] == tv.DATA else b""
            if packet:
                break
        equal(packets.udp_payload(packet), name.encode(), "what was sent")
        equal(packets.tos_of(packet), DSCP | inside, "inside, traffic class")
        equal(NAMES[tos & 3], name, "outside")
        equal(tos & ~3, 0, "DSCP outside")
    sock.close()


def main():
    host, peer = from_arguments(sys.argv[1:])
    outer = ipaddress.ip_address(peer.host[0]).version
    ktap.start()
    for inner in 4, 6:
        with ktap.test(f"out of the tunnel: IPv{inner} in IPv{outer}"):
            egress(host, peer, outer, inner)
        with ktap.test(f"into the tunnel: IPv{inner} in IPv{outer}"):
            ingress(host, peer, outer, inner)
    ktap.done()


main()

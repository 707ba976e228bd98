# SPDX-License-Identifier: GPL-2.0
"""IP packets to put into a tunnel, and what comes out of one."""

import functools
import ipaddress
import struct

ICMP, UDP, ICMPV6 = 1, 17, 58
HOP_LIMIT = 64


def checksum(data):
    """The Internet checksum of RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp_segment(source, target, sport, dport, payload):
    """UDP header and payload; source and target are ipaddress objects."""
    length = 8 + len(payload)
    pseudo = source.packed + target.packed
    if source.version == 4:
        pseudo += struct.pack(">BBH", 0, UDP, length)
    else:
        pseudo += struct.pack(">II", length, UDP)
    head = struct.pack(">HHH", sport, dport, length)
    value = checksum(pseudo + head + b"\0\0" + payload) or 0xffff
    return head + struct.pack(">H", value) + payload


# Of the same few addresses, again and again
address = functools.lru_cache(ipaddress.ip_address)


def ipv4(source, target, protocol, body, tos=0):
    """A whole packet over IPv4; source and target are ipaddress objects."""
    head = struct.pack(">BBHHHBBH", 0x45, tos, 20 + len(body), 1, 0, HOP_LIMIT, protocol, 0)
    head += source.packed + target.packed
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def udp(source, target, payload, sport=4000, dport=4000, tos=0):
    """A whole packet of either family, by its addresses."""
    source, target = address(source), address(target)
    segment = udp_segment(source, target, sport, dport, payload)
    if source.version == 6:
        return (struct.pack(">IHBB", 6 << 28 | tos << 20, len(segment), UDP, HOP_LIMIT) +
                source.packed + target.packed + segment)
    return ipv4(source, target, UDP, segment, tos)


def echo(source, target, number, kind=8):
    """An ICMP echo request over IPv4, or with kind=0 the answer to one."""
    body = struct.pack(">BBHHH", kind, 0, 0, 1, number) + b"echo"
    body = body[:2] + struct.pack(">H", checksum(body)) + body[4:]
    return ipv4(address(source), address(target), ICMP, body)


def tos_of(packet):
    """The byte with DSCP and ECN, of either family."""
    if packet[0] >> 4 == 4:
        return packet[1]
    return (struct.unpack_from(">H", packet)[0] >> 4) & 0xff


def udp_payload(packet):
    """The payload if it is a UDP packet without options, else None."""
    if packet[:1] == b"\x45" and packet[9] == UDP:
        return packet[28:]
    if packet and packet[0] >> 4 == 6 and packet[6] == UDP:
        return packet[48:]
    return None

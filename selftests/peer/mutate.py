# SPDX-License-Identifier: GPL-2.0
"""Things to put into messages that are broken in ways that someone thought of, and in others.

All of it comes from the Chance that is given: the same seed, the same damage.
"""

import ipaddress
import random
import struct

import toyvpn as tv
from packets import checksum

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58

INTERESTING8 = (0, 1, 2, 4, 5, 6, 15, 16, 17, 0x40, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xff)
INTERESTING16 = (0, 1, 2, 3, 4, 7, 8, 15, 16, 19, 20, 21, 39, 40, 41, 255, 256, 768, 769, 1024,
                 1279, 1280, 1500, 0x1fff, 0x2000, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xfff0, 0xfffe,
                 0xffff)


class Chance(random.Random):
    """The same as ever, in a third of the time, which is most of what making a message takes."""

    def choice(self, seq):
        return seq[int(self.random() * len(seq))]

    def randrange(self, start, stop=None):  # pylint: disable=arguments-differ
        if stop is None:
            return int(self.random() * start)
        return start + int(self.random() * (stop - start))

    def randint(self, a, b):
        return a + int(self.random() * (b - a + 1))


def packed(*addresses):
    return [ipaddress.ip_address(address).packed for address in addresses]


def flip(rng, data, first=0, last=None):
    """The same with one to three bits changed in a range of it."""
    data = bytearray(data)
    last = len(data) if last is None else last
    for at in {rng.randrange(first, last) for _ in range(rng.choice((1, 1, 1, 2, 3)))}:
        data[at] ^= 1 << rng.getrandbits(3)
    return bytes(data)


def number16(rng, about):
    """A length that is wrong, or a little."""
    if rng.random() < 0.5:
        return min(max(about + rng.randint(-9, 9), 0), 0xffff)
    return rng.choice(INTERESTING16)


# Inner packets

class Packets:
    """IP packets of a peer that has the addresses mine and mine6, to the host's."""

    def __init__(self, mine, mine6, host, host6, others):
        self.sources = packed(mine), packed(mine6)
        self.targets = packed(host), packed(host6)
        others = packed(*others)
        self.strangers = ([one for one in others if len(one) == 4],
                          [one for one in others if len(one) == 16])

    def make(self, rng, size):
        """One of this size, or of any that its damage gives it."""
        roll = rng.random()
        if roll < 0.04:
            return rng.randbytes(size)
        if size >= 48 and roll < 0.36:
            return self.make6(rng, size)
        if size >= 28:
            return self.make4(rng, size)
        return bytes([rng.choice(INTERESTING8)])[:size] + rng.randbytes(max(size - 1, 0))

    @staticmethod
    def transport(rng, protocol, size):
        """A header of this protocol, as right as it can be without the addresses."""
        if protocol == TCP and size >= 20:
            offset = rng.choice((5, 5, 5, 6, 10, 15, 0, 4))
            return struct.pack(">HHIIBBHHH", 4000, rng.choice((5002, 22, 4000)),
                               rng.getrandbits(32), rng.getrandbits(32), offset << 4,
                               rng.choice((0x02, 0x10, 0x18, 0x04, 0x11, 0, 0xff)), 0xffff,
                               rng.getrandbits(16), 0) + rng.randbytes(size - 20)
        if protocol == UDP:
            length = size if rng.random() < 0.6 else number16(rng, size)
            # Port 4000 is read by the fuzzer, 5002 by nobody
            return struct.pack(">HHHH", 4000, rng.choice((4000, 5002, 0)), length,
                               rng.choice((0, rng.getrandbits(16)))) + bytes(size - 8)
        head = struct.pack(">BBHHH", rng.choice((8, 0, 3, 5, 11, 13, 128, 129, 135, 136, 137, 255)),
                           rng.choice((0, 1, 4)), 0, 1, 1) + rng.randbytes(size - 8)
        value = checksum(head)
        return head[:2] + struct.pack(">H", value) + head[4:]

    def make4(self, rng, size):
        words = 5
        if size >= 72 and rng.random() < 0.25:
            words = rng.randint(6, 15)
        protocol = rng.choice((UDP, UDP, UDP, TCP, TCP, ICMP))
        tos = rng.choice((0, 1, 2, 3, 0xb8))
        packet = bytearray(struct.pack(">BBHHHBBH", 0x40 | words, tos, size, rng.getrandbits(16), 0,
                                       64, protocol, 0))
        packet += self.sources[0][0] + self.targets[0][0]
        if words > 5:
            packet += self.options(rng, 4 * (words - 5))
        packet += self.transport(rng, protocol, size - len(packet))
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            self.break4(rng, packet, rng.choice(self.BREAK4))
        # Mostly sealed again at this layer too, or what is behind the checksum is never looked at
        if rng.random() < 0.85:
            length = max(min((packet[0] & 15) * 4, len(packet)), 20)
            packet[10:12] = b"\0\0"
            packet[10:12] = struct.pack(">H", checksum(bytes(packet[:length])))
        return self.cut(rng, packet)

    @staticmethod
    def cut(rng, packet):
        """Now and then short of its end, whatever the header says."""
        return bytes(packet[:rng.randrange(len(packet))] if rng.random() < 0.05 else packet)

    @staticmethod
    def options(rng, size):
        """IP options: known ones with lengths that may lie, or anything."""
        data = b""
        while len(data) < size:
            # end, nop, record route, timestamp, loose and strict source route, security, alert
            kind = rng.choice((0, 1, 7, 68, 131, 137, 130, 134, 148, rng.getrandbits(8)))
            length = rng.choice((0, 1, 2, 3, 4, 7, 11, size, 255))
            data += bytes([kind, length, rng.choice((0, 1, 4, 5, 8, 255))]) + rng.randbytes(4)
        return data[:size]

    BREAK4 = ("version", "ihl", "length", "length", "fragment", "fragment", "ttl", "protocol",
              "source", "source", "target", "header", "header", "anything")

    def break4(self, rng, packet, what):
        if what == "version":
            packet[0] = rng.getrandbits(4) << 4 | packet[0] & 15
        elif what == "ihl":
            packet[0] = packet[0] & 0xf0 | rng.getrandbits(4)
        elif what == "length":
            packet[2:4] = struct.pack(">H", number16(rng, len(packet)))
        elif what == "fragment":
            packet[6:8] = struct.pack(">H", rng.choice((0x2000, 0x2001, 1, 2, 0x1fff, 0x3fff,
                                                        0x4000, 0x8000, rng.getrandbits(16))))
        elif what == "ttl":
            packet[8] = rng.choice((0, 1, 255))
        elif what == "protocol":
            packet[9] = rng.choice((0, 4, 41, 47, 50, 51, 94, 103, 132, 136, 255,
                                    rng.getrandbits(8)))
        elif what == "source":
            packet[12:16] = rng.choice(self.strangers[0])
        elif what == "target":
            packet[16:20] = rng.choice(self.strangers[0])
        elif what == "header":
            packet[rng.randrange(20, min(len(packet), 64))] = rng.choice(INTERESTING8)
        else:
            packet[rng.randrange(len(packet))] = rng.getrandbits(8)

    def make6(self, rng, size):
        last = first = rng.choice((UDP, UDP, TCP, ICMPV6))
        body, rest = b"", size - 40
        if rest >= 40 and rng.random() < 0.4:
            first, body = self.extensions(rng, last, rest - 8)
        rest -= len(body)
        body += self.transport(rng, last, rest) if rest >= 8 else bytes(rest)
        packet = bytearray(struct.pack(">IHBB", 6 << 28 | rng.getrandbits(8) << 20, len(body),
                                       first, 64))
        packet += self.sources[1][0] + self.targets[1][0] + body
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
            self.break6(rng, packet, rng.choice(self.BREAK6))
        return self.cut(rng, packet)

    @staticmethod
    def extensions(rng, last, room):
        """(type of the first, all of them): hop-by-hop, routing, fragment, destination, AH, any."""
        kinds = [rng.choice((0, 43, 44, 60, 51, 135, 139, 59, rng.getrandbits(8)))
                 for _ in range(rng.randint(1, 4))]
        data = b""
        for at, kind in enumerate(kinds):
            following = kinds[at + 1] if at + 1 < len(kinds) else last
            length = 0 if kind == 44 else rng.choice((0, 0, 0, 1, 2, 255))
            if kind == 44:
                body = struct.pack(">HI", rng.choice((0, 1, 8, 0xfff9)), rng.getrandbits(32))
            else:
                # Pad1, PadN, jumbo payload, router alert, home address, RPL or segment routing
                body = bytes([rng.choice((0, 1, 0xc2, 5, 0xc9, 3, 4, 2)),
                              rng.choice((0, 2, 4, 255))])
                body += rng.randbytes(4)
            one = bytes([following, length]) + body + bytes(8 * min(length, 2))
            if len(data) + len(one) > room:
                break
            data += one
        return (kinds[0], data) if data else (last, data)

    BREAK6 = ("version", "length", "length", "next", "next", "hops", "source", "source", "target",
              "header", "header", "anything")

    def break6(self, rng, packet, what):
        if what == "version":
            packet[0] = rng.getrandbits(4) << 4 | packet[0] & 15
        elif what == "length":
            packet[4:6] = struct.pack(">H", number16(rng, len(packet) - 40))
        elif what == "next":
            packet[6] = rng.choice((0, 43, 44, 59, 60, 51, 50, 4, 41, 135, rng.getrandbits(8)))
        elif what == "hops":
            packet[7] = rng.choice((0, 1, 255))
        elif what == "source":
            packet[8:24] = rng.choice(self.strangers[1])
        elif what == "target":
            packet[24:40] = rng.choice(self.strangers[1])
        elif what == "header":
            packet[rng.randrange(40, min(len(packet), 80))] = rng.choice(INTERESTING8)
        else:
            packet[rng.randrange(len(packet))] = rng.getrandbits(8)


# Handshake payloads

def encode(items, pad=True):
    """[(type, length that it claims or None, value)] as a payload."""
    data = b"".join(struct.pack("<HH", kind, len(value) if claim is None else claim) + value
                    for kind, claim, value in items)
    return data + bytes(-len(data) % 16) if pad else data


def items_of_init(timestamp):
    return [(tv.TIMESTAMP, None, timestamp), (tv.CIPHERS, None, b"\1\2"), (tv.MODE, None, b"\3")]


def items_of_resp():
    return [(tv.CIPHERS, None, b"\1"), (tv.MODE, None, b"\3")]


OPTIONAL = (tv.MTU, tv.CREDENTIALS, tv.CONFIG, tv.REJECT, 8, 100, 0x7fff)


def payload(rng, items):
    """A payload with some of its TLVs broken."""
    items = list(items)
    if rng.random() < 0.3:
        kind = rng.choice(OPTIONAL)
        items.append((kind, None, rng.randbytes(2 if kind in (tv.MTU, tv.REJECT) else
                                                rng.choice((0, 1, 16, 100, 256)))))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        BREAK_TLVS[rng.randrange(len(BREAK_TLVS))](rng, items)
    data = encode(items)
    roll = rng.random()
    if roll < 0.05:
        data = data[:16 * rng.randrange(len(data) // 16 + 1)]
    elif roll < 0.08:
        data += rng.randbytes(16)
    elif roll < 0.10:
        data = data.ljust(1024, b"\0")
    elif roll < 0.12:
        data = rng.randbytes(16 * rng.randrange(65))
    return data[:1024]


def one_of(rng, items):
    return rng.randrange(len(items)) if items else None


def tlv_missing(rng, items):
    if items:
        del items[one_of(rng, items)]


def tlv_twice(rng, items):
    if items:
        items.insert(rng.randint(0, len(items)), rng.choice(items))


def tlv_kind(rng, items):
    if items:
        at = one_of(rng, items)
        kind = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 0x7fff, 0x8000, 0x8001, 0x8007, 0xffff,
                           rng.getrandbits(16)))
        items[at] = (kind,) + items[at][1:]


def tlv_value(rng, items):
    if items:
        at = one_of(rng, items)
        kind, claim, value = items[at]
        items[at] = kind, claim, rng.choice((b"", value[:-1], value + b"\0", value + value,
                                             rng.randbytes(rng.choice((1, 2, 12, 64, 257, 769))),
                                             rng.randbytes(len(value)))) if kind != tv.TIMESTAMP \
            else rng.choice((value[:-1], value + b"\0", b"", bytes(12)))


def tlv_claim(rng, items):
    """A length that is not that of the value."""
    if items:
        at = one_of(rng, items)
        kind, _, value = items[at]
        items[at] = kind, number16(rng, len(value)), value


def tlv_order(rng, items):
    rng.shuffle(items)


def tlv_strange(rng, items):
    kind = rng.getrandbits(16) if rng.random() < 0.5 else rng.choice((8, 9, 0x8000, 0x8064))
    items.insert(rng.randint(0, len(items)), (kind, None, rng.randbytes(rng.randrange(40))))


def tlv_mode(rng, items):
    for at, (kind, _, _) in enumerate(items):
        if kind == tv.MODE:
            items[at] = kind, None, bytes([rng.choice((0, 1, 2, 4, 255))])


def tlv_ciphers(rng, items):
    for at, (kind, _, value) in enumerate(items):
        if kind == tv.CIPHERS:
            items[at] = kind, None, bytes([rng.choice((0, 1, 2, 3, 99, 255)) for _ in value])


BREAK_TLVS = [tlv_missing, tlv_twice, tlv_kind, tlv_value, tlv_claim, tlv_claim, tlv_order,
              tlv_strange, tlv_mode, tlv_ciphers]

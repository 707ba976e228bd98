# SPDX-License-Identifier: GPL-2.0
"""What becomes of a message, by kmod/PROTOCOL.md: the counter of ethtool -S under which it is
dropped, or None for what is taken. Knows no sockets and no keys.
"""

import struct

import toyvpn as tv

MALFORMED = "rx_drop_malformed"
UNKNOWN_SESSION = "rx_drop_unknown_session"
EXPIRED = "rx_drop_session_expired"
REPLAY = "rx_drop_replay"
AUTHENTICATION = "rx_drop_authentication"
NOT_IP = "rx_drop_not_ip"
SOURCE = "rx_drop_source_not_allowed"
ECN = "rx_drop_ecn"
HS_MAC1 = "handshake_drop_mac1"
HS_COOKIE_SENT = "handshake_cookies_sent"
HS_COOKIE_RECEIVED = "handshake_cookies_received"
HS_RATE_LIMIT = "handshake_drop_rate_limit"
HS_UNKNOWN_PEER = "handshake_drop_unknown_peer"
HS_AUTHENTICATION = "handshake_drop_authentication"
HS_BAD_PAYLOAD = "handshake_drop_bad_payload"
HS_REPLAY = "handshake_drop_replay"
HS_TOO_OFTEN = "handshake_drop_too_often"
HS_REJECT_SENT = "handshake_rejects_sent"
HS_REJECT_RECEIVED = "handshake_rejects_received"
HS_REQUESTS = "handshake_requests"
HS_REQUESTS_FULL = "handshake_drop_requests_full"

REACHED = (MALFORMED, UNKNOWN_SESSION, EXPIRED, REPLAY, AUTHENTICATION, NOT_IP, SOURCE, ECN,
           HS_MAC1, HS_COOKIE_SENT, HS_COOKIE_RECEIVED, HS_RATE_LIMIT, HS_UNKNOWN_PEER,
           HS_AUTHENTICATION, HS_BAD_PAYLOAD, HS_REPLAY, HS_TOO_OFTEN, HS_REJECT_SENT,
           HS_REJECT_RECEIVED, HS_REQUESTS)

REJECT_AFTER_MESSAGES = 2 ** 31
# Section 7: what this implementation chose
WINDOW = 16320

HEADER = {tv.INIT: 136, tv.RESP: 92}
TLV_ROOM = 1024
CE, NOT_ECT = 3, 0


def well_formed(message):
    """Type, version, reserved bytes and length, which need no key."""
    if len(message) < 32 or message[1] != tv.VERSION or message[2] or message[3]:
        return False
    kind, length = message[0], len(message)
    if kind in HEADER:
        rest = length - HEADER[kind]
        return 0 <= rest <= TLV_ROOM and rest % 16 == 0
    return kind == tv.DATA or kind == tv.COOKIE and length == 64


def stray(message):
    """A message that no key, index or MAC of ours is behind."""
    if not well_formed(message):
        return MALFORMED
    return HS_MAC1 if message[0] == tv.INIT else UNKNOWN_SESSION


class Window:
    """The counters of one session that came."""

    def __init__(self):
        self.next = 0
        self.seen = set()

    def is_new(self, counter):
        return counter >= self.next or \
            self.next - counter <= WINDOW and counter not in self.seen

    def mark(self, counter):
        self.seen.add(counter)
        self.next = max(self.next, counter + 1)


def inner(packet, sources, outer_ecn):
    """An authentic packet, of a peer that may send from sources, their addresses as bytes."""
    if not packet:
        return None
    version, length = packet[0] >> 4, len(packet)
    if version == 4 and length >= 20:
        total = packet[2] << 8 | packet[3]
        source, ecn, least = packet[12:16], packet[1] & 3, 20
    elif version == 6 and length >= 40:
        total = 40 + (packet[4] << 8 | packet[5])
        source, ecn, least = packet[8:24], packet[1] >> 4 & 3, 40
    else:
        return NOT_IP
    if not least <= total <= length:
        return NOT_IP
    if bytes(source) not in sources:
        return SOURCE
    return ECN if outer_ecn == CE and ecn == NOT_ECT else None


# The shortest and longest value that a type may have
INIT_TLVS = {tv.TIMESTAMP: (12, 12), tv.CIPHERS: (1, TLV_ROOM), tv.MODE: (1, 1), tv.MTU: (2, 2),
             tv.CREDENTIALS: (0, 256)}
RESP_TLVS = {tv.CIPHERS: (1, 1), tv.MODE: (1, 1), tv.MTU: (2, 2), tv.CONFIG: (0, 768),
             tv.REJECT: (2, 2)}


def read_tlvs(payload, known):
    """{type: value} of the types that are known in this message; None if it must be refused."""
    values, offset = {}, 0
    while len(payload) - offset >= 4:
        kind, length = struct.unpack_from("<HH", payload, offset)
        if kind == 0:
            return values
        offset += 4
        if length > len(payload) - offset:
            return None
        if kind in known:
            low, high = known[kind]
            if kind in values or not low <= length <= high:
                return None
            values[kind] = payload[offset:offset + length]
        elif kind & tv.CRITICAL:
            return None
        offset += length
    return None if any(payload[offset:]) else values


def init_payload(payload, newest):
    """Of an authentic INIT: (what becomes of it, its timestamp if that counts from now on).

    What becomes of it is a tuple where it depends on the time since the last one.
    """
    values = read_tlvs(payload, INIT_TLVS)
    if values is None or not {tv.TIMESTAMP, tv.CIPHERS, tv.MODE} <= values.keys():
        return HS_BAD_PAYLOAD, None
    timestamp = values[tv.TIMESTAMP]
    if timestamp <= newest:
        return HS_REPLAY, None
    if values[tv.MODE] != bytes([tv.MODE_IP]) or not set(values[tv.CIPHERS]) & {1, 2}:
        return (HS_REJECT_SENT, HS_TOO_OFTEN), timestamp
    return (None, HS_TOO_OFTEN), timestamp


def stranger_payload(payload):
    """Of an authentic INIT of one whom nobody knows, where a process decides of such."""
    return HS_REQUESTS if init_payload(payload, b"")[0] != HS_BAD_PAYLOAD else HS_BAD_PAYLOAD


def accepted_payload(payload):
    """Of such an INIT, once the process has made a peer of who sent it."""
    verdict, _ = init_payload(payload, bytes(12))
    return verdict[0] if isinstance(verdict, tuple) else verdict


def credentials(payload):
    """What such an INIT logs in with; None if it does not, or with nothing."""
    return read_tlvs(payload, INIT_TLVS).get(tv.CREDENTIALS) or None


def resp_payload(payload):
    """Of an authentic RESP that was waited for."""
    values = read_tlvs(payload, RESP_TLVS)
    if values is None:
        return HS_BAD_PAYLOAD
    if tv.REJECT in values:
        return HS_BAD_PAYLOAD if values.keys() & {tv.CIPHERS, tv.CONFIG} else HS_REJECT_RECEIVED
    if values.get(tv.MODE) != bytes([tv.MODE_IP]) or values.get(tv.CIPHERS) not in (b"\1", b"\2"):
        return HS_BAD_PAYLOAD
    return None

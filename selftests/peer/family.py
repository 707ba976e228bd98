# SPDX-License-Identifier: GPL-2.0
"""The module's netlink family: the names of uapi/linux/toyvpn.h, attributes, and a device's
configuration as the family tells it."""

import pathlib
import re
import socket
import struct

from genl import Family, attribute, nest

HEADER = pathlib.Path(__file__).resolve().parents[2] / "uapi/linux/toyvpn.h"


def enums(text):
    """The values of all enumerators of the header, without their prefix."""
    values = {}
    for body in re.findall(r"enum[^{;]*\{(.*?)\}", text, re.S):
        number = -1
        for name, given in re.findall(r"TOYVPN_(\w+)(?:\s*=\s*(\d+))?,", body):
            number = int(given) if given else number + 1
            values[name] = number
    return values


C = enums(HEADER.read_text("ascii"))
GET, SET = C["CMD_DEVICE_GET"], C["CMD_DEVICE_SET"]
PEER_GET, PEER_SET, PEER_DEL = C["CMD_PEER_GET"], C["CMD_PEER_SET"], C["CMD_PEER_DEL"]
MORE = C["PEER_FLAGS_MORE"]
AUTHORIZER_SET, REQUEST_REFUSE = C["CMD_AUTHORIZER_SET"], C["CMD_REQUEST_REFUSE"]

# What changes without anybody configuring anything
LIVE = {C["A_PEER_" + name]
        for name in ("STATE", "REASON", "CIPHER", "LAST_HANDSHAKE", "RX_BYTES", "TX_BYTES", "PAD",
                     "RECEIVED_CONFIG", "STATE_SINCE")}


def dev(name, value):
    return attribute(C["A_DEVICE_" + name], value)


def peer(name, value):
    return attribute(C["A_PEER_" + name], value)


def ip(*items):
    """An allowed IP of (name, value) pairs."""
    return nest(C["A_PEER_ALLOWED_IP"],
                *(attribute(C["A_ALLOWED_IP_" + name], value) for name, value in items))


def prefix(text, *more):
    """An allowed IP as "10.0.0.0/8"."""
    address, length = text.split("/")
    kind, family = ("IPV6", socket.AF_INET6) if ":" in address else ("IPV4", socket.AF_INET)
    return ip((kind, socket.inet_pton(family, address)), ("PREFIX_LEN", bytes([int(length)])),
              *more)


def endpoint(address, port):
    kind, family = ("IPV6", socket.AF_INET6) if ":" in address else ("IPV4", socket.AF_INET)
    return (peer("ENDPOINT_" + kind, socket.inet_pton(family, address)) +
            peer("ENDPOINT_PORT", struct.pack(">H", port)))


def flags(*names):
    return peer("FLAGS", struct.pack("<I", sum(C["PEER_FLAGS_" + name] for name in names)))


class Config(Family):
    """The configuration of one link in the caller's namespace."""

    def __init__(self, link="vpn0"):
        super().__init__("toyvpn")
        self.device = dev("IFNAME", link)
        self.name = peer("IFNAME", link)

    def get(self):
        answer, = self.request(GET, self.device)
        return dict(answer)

    def set(self, *attributes):
        self.request(SET, self.device, *attributes)

    def peers(self):
        """{public key: [attributes]} by a dump that no change overtook."""
        while True:
            found = {}
            for message in self.dump(PEER_GET, self.name):
                found.setdefault(dict(message)[C["A_PEER_PUBLIC_KEY"]], []).extend(message)
            if not self.interrupted:
                return found

    def peer_set(self, key, *attributes):
        self.request(PEER_SET, self.name, peer("PUBLIC_KEY", key), *attributes)

    def peer_del(self, *key):
        self.request(PEER_DEL, self.name, *(peer("PUBLIC_KEY", one) for one in key))

    def state(self):
        """All that was configured; what runs by itself is left out."""
        return (sorted(self.get().items()),
                sorted((key, sorted(set(one for one in told if one[0] not in LIVE)))
                       for key, told in self.peers().items()))


# Events

def entries(enum):
    """{value: name} of one of the header's enums."""
    return {value: name[len(enum) + 1:] for name, value in C.items() if name.startswith(enum + "_")}


STATES, REASONS, EVENTS = entries("PEER_STATE"), entries("REASON"), entries("EVENT")


def integer(value, order="little"):
    return int.from_bytes(value, order)


class Told:
    """What an event, a request or an answer says of a peer."""

    def __init__(self, attributes):
        self.attributes = attributes = dict(attributes)

        def get(name, convert=bytes):
            value = attributes.get(C["A_PEER_" + name])
            return None if value is None else convert(value)
        self.key = get("PUBLIC_KEY")
        self.link = get("IFNAME", lambda value: value.rstrip(b"\0").decode())
        self.request = get("REQUEST_ID", integer)
        self.credentials = get("CREDENTIALS")
        self.config = get("CONFIG")
        self.received = get("RECEIVED_CONFIG")
        self.event = get("EVENT", lambda value: EVENTS[integer(value)].lower())
        self.state = get("STATE", lambda value: STATES[integer(value)].lower())
        self.reason = get("REASON", lambda value: REASONS[integer(value)].lower().replace("_", "-"))
        self.cipher = get("CIPHER", integer)
        self.last = get("LAST_HANDSHAKE", integer)
        self.since = get("STATE_SINCE", integer)
        self.port = get("ENDPOINT_PORT", lambda value: integer(value, "big"))
        self.address = get("ENDPOINT_IPV4", socket.inet_ntoa)

    def __repr__(self):
        return f"{self.event or 'request'} {self.state}/{self.reason} port {self.port}"


def next_told(sock, command, seconds):
    """The next event at a socket, which must be of that command; None if none comes."""
    message = sock.told(seconds)
    if message is None:
        return None
    assert message[0] == C[command], f"command {message[0]}"
    return Told(message[1])


class Listener(Config):
    """Hears the events of the caller's namespace."""

    def __init__(self, link="vpn0"):
        super().__init__(link)
        self.subscribe("events")

    def next(self, seconds):
        """The next event, or None."""
        return next_told(self, "CMD_PEER_EVENT", seconds)


class Authorizer(Config):
    """Who decides of a link's strangers. Its answers go over another socket, so that no request
    comes between them."""

    def __init__(self, link="vpn0"):
        super().__init__(link)
        self.room(16 << 20)
        self.answers_by = Config(link)
        self.request(AUTHORIZER_SET, self.name)

    def close(self):
        super().close()
        self.answers_by.close()

    def next(self, seconds):
        """The next request, or None."""
        return next_told(self, "CMD_REQUEST_EVENT", seconds)

    def accepting(self, told, *attributes):
        """Command and attributes of that answer."""
        return (PEER_SET, self.name, peer("PUBLIC_KEY", told.key),
                peer("REQUEST_ID", struct.pack("<I", told.request)), *attributes)

    def refusing(self, told, reason="REFUSED"):
        return (REQUEST_REFUSE, self.name, peer("REQUEST_ID", struct.pack("<I", told.request)),
                peer("REASON", struct.pack("<I", C["REASON_" + reason])))

    def accept(self, told, *attributes):
        self.answers_by.request(*self.accepting(told, *attributes))

    def refuse(self, told, reason="REFUSED"):
        self.answers_by.request(*self.refusing(told, reason))

# SPDX-License-Identifier: GPL-2.0
"""Netlink by hand, so that a test can send what a library would refuse to make."""

import os
import socket
import struct

from netns import is_readable

NETLINK_GENERIC, SOL_NETLINK = 16, 270
NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 10, 11, 12
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP_INTR, NLM_F_DUMP = 1, 4, 0x10, 0x300
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLA_F_NESTED = 0x8000
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
CTRL_ATTR_MCAST_GROUPS, CTRL_ATTR_MCAST_GRP_NAME, CTRL_ATTR_MCAST_GRP_ID = 7, 1, 2
NETLINK_ADD_MEMBERSHIP, SO_RCVBUFFORCE = 1, 33
NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS, NLMSGERR_ATTR_POLICY, NLMSGERR_ATTR_MISS_TYPE = 1, 2, 4, 5


class Refused(Exception):
    """The kernel's answer was an error: .errno, .message (extack) and .policy or .offset."""

    def __init__(self, errno, attributes):
        self.errno = errno
        attributes = dict(attributes)
        self.message = attributes.get(NLMSGERR_ATTR_MSG, b"").rstrip(b"\0").decode()
        self.names_attribute = bool({NLMSGERR_ATTR_OFFS, NLMSGERR_ATTR_MISS_TYPE} & set(attributes))
        super().__init__(f"{os.strerror(errno)}: {self.message}")


def attribute(kind, value):
    if isinstance(value, str):
        value = value.encode() + b"\0"
    length = 4 + len(value)
    return struct.pack("<HH", length, kind) + value + bytes(-length % 4)


def nest(kind, *attributes):
    return attribute(kind | NLA_F_NESTED, b"".join(attributes))


def parse(data):
    """[(type, value), ...] of attributes."""
    items = []
    while len(data) >= 4:
        length, kind = struct.unpack_from("<HH", data)
        items.append((kind & 0x3fff, data[4:length]))
        data = data[(length + 3) & ~3:]
    return items


class Socket:
    """A socket of one netlink protocol, to send a request and read what comes back."""

    def __init__(self, protocol):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.settimeout(60)
        for option in NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK:
            self.socket.setsockopt(SOL_NETLINK, option, 1)
        self.socket.bind((0, 0))
        self.sequence = 0
        self.interrupted = False

    def close(self):
        self.socket.close()

    def message(self, kind, body, flags):
        """A request with the next sequence number."""
        self.sequence += 1
        return struct.pack("<IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, self.sequence,
                           0) + body

    def answers(self):
        """The bodies of the messages that answer the last request; Refused if it is an error.
        Whether a dump was overtaken by a change is then in .interrupted."""
        bodies = []
        self.interrupted = False
        while True:
            data = self.socket.recv(1 << 18)
            while data:
                length, kind, flags, sequence, _ = struct.unpack_from("<IHHII", data)
                body, data = data[16:length], data[(length + 3) & ~3:]
                if sequence != self.sequence:
                    continue
                self.interrupted |= bool(flags & NLM_F_DUMP_INTR)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    self.finish(kind, flags, body)
                    return bodies
                bodies.append(body)

    def exchange(self, kind, body, flags=NLM_F_ACK):
        self.socket.send(self.message(kind, body, flags))
        return self.answers()

    @staticmethod
    def finish(kind, flags, message):
        error = -struct.unpack_from("<i", message)[0] if len(message) >= 4 else 0
        if not error:
            return
        skip = 4 if kind == NLMSG_DONE else 20
        if kind == NLMSG_ERROR and not flags & NLM_F_CAPPED:
            skip = 4 + ((struct.unpack_from("<I", message, 4)[0] + 3) & ~3)
        raise Refused(error, parse(message[skip:]) if flags & NLM_F_ACK_TLVS else [])


class Family(Socket):
    """A socket, and a family by its name."""

    def __init__(self, name, version=1):
        super().__init__(NETLINK_GENERIC)
        self.version = version
        self.ident = GENL_ID_CTRL
        reply = self.request(CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, name))
        reply = dict(reply[0])
        self.ident = struct.unpack("<H", reply[CTRL_ATTR_FAMILY_ID])[0]
        self.groups = {}
        for _, group in parse(reply.get(CTRL_ATTR_MCAST_GROUPS, b"")):
            group = dict(parse(group))
            name = group[CTRL_ATTR_MCAST_GRP_NAME].rstrip(b"\0").decode()
            self.groups[name], = struct.unpack("<I", group[CTRL_ATTR_MCAST_GRP_ID])

    def body(self, command, *attributes):
        return struct.pack("<BBH", command, self.version, 0) + b"".join(attributes)

    def request(self, command, *attributes, flags=NLM_F_ACK):
        """The attributes of each message of the answer; Refused if it is an error."""
        return [parse(one[4:]) for one in
                self.exchange(self.ident, self.body(command, *attributes), flags)]

    def dump(self, command, *attributes):
        return self.request(command, *attributes, flags=NLM_F_DUMP)

    def subscribe(self, group):
        """Hear what is told to a multicast group."""
        self.room(4 << 20)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, self.groups[group])

    def room(self, size):
        """For what waits to be read."""
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)

    def told(self, seconds):
        """(command, attributes) of the next message that nobody asked for; None if none comes."""
        if not is_readable(self.socket, seconds):
            return None
        data = self.socket.recv(1 << 16)
        length, kind, _flags, sequence, _ = struct.unpack_from("<IHHII", data)
        assert kind == self.ident and not sequence and length == len(data), "no event"
        return data[16], parse(data[20:])

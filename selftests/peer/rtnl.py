# SPDX-License-Identifier: GPL-2.0
"""Links by rtnetlink, without a process for each: what "ip link" does, but in no time."""

import socket
import struct

from genl import NLM_F_ACK, Socket, attribute, nest

NETLINK_ROUTE = 0
NLM_F_EXCL, NLM_F_CREATE = 0x200, 0x400
RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR = 16, 17, 20
IFF_UP = 1
IFA_F_NODAD = 2
IFLA_IFNAME, IFLA_MTU, IFLA_TXQLEN, IFLA_LINKINFO, IFLA_IFALIAS, IFLA_GROUP = 3, 4, 13, 18, 20, 27
IFLA_NET_NS_PID = 19
IFLA_NET_NS_FD, IFLA_NUM_TX_QUEUES, IFLA_NUM_RX_QUEUES = 28, 31, 32
IFLA_GSO_MAX_SEGS, IFLA_GSO_MAX_SIZE, IFLA_LINK_NETNSID = 40, 41, 37
IFLA_INFO_KIND = 1
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8


def number(kind, value):
    return attribute(kind, struct.pack("<I", value))


class Links(Socket):
    """Of the network namespace that the caller is in when this is made."""

    def __init__(self):
        super().__init__(NETLINK_ROUTE)

    @staticmethod
    def link(name, *attributes, flags=0, change=0):
        head = struct.pack("<BxHiII", socket.AF_UNSPEC, 0, 0, flags, change)
        return head + attribute(IFLA_IFNAME, name) + b"".join(attributes)

    def add(self, name, *attributes, kind="toyvpn"):
        self.exchange(RTM_NEWLINK, self.added(name, *attributes, kind=kind),
                      NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)

    def added(self, name, *attributes, kind="toyvpn"):
        """The body of the request that adds a link."""
        return self.link(name, nest(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, kind.encode())),
                         *attributes)

    def remove(self, name):
        self.exchange(RTM_DELLINK, self.link(name))

    def up(self, name):
        self.exchange(RTM_NEWLINK, self.link(name, flags=IFF_UP, change=IFF_UP))

    def down(self, name):
        self.exchange(RTM_NEWLINK, self.link(name, change=IFF_UP))

    def move(self, name, netns):
        """To a namespace of "ip netns"."""
        with open("/run/netns/" + netns, "rb") as there:
            self.exchange(RTM_NEWLINK, self.link(name, number(IFLA_NET_NS_FD, there.fileno())))

    def give(self, name, pid):
        """To the namespace of a process."""
        self.exchange(RTM_NEWLINK, self.link(name, number(IFLA_NET_NS_PID, pid)))

    def address(self, index, address, length):
        """An address for the link with this index, usable at once."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        data = socket.inet_pton(family, address)
        head = struct.pack("<BBBBI", family, length, 0, 0, index)
        self.exchange(RTM_NEWADDR, head + attribute(IFA_LOCAL, data) +
                      attribute(IFA_ADDRESS, data) + number(IFA_FLAGS, IFA_F_NODAD),
                      NLM_F_ACK | NLM_F_CREATE)

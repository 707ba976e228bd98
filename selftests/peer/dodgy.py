#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A virtual machine behind left's tap device guest, whose packets left routes into the tunnel to
right. Run by dodgy.sh. What it says of a packet stands before it, as virtio has it (struct
virtio_net_hdr)."""

import fcntl
import itertools
import os
import socket
import struct

import ktap
import packets
from ktap import case, equal
from netns import PATIENCE, namespace
import toyvpn as tv
from rig import PORT, Host, wait_until

GUEST, LEFT, RIGHT = "198.51.100.2", "198.51.100.1", "10.9.0.2"
ETHERNET = 14
IP = ETHERNET + 20
NEEDS_CSUM = 1
GSO_TCPV4, GSO_UDP = 1, 5
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454ca, 0x2, 0x1000, 0x4000
ETH_P_IP = 0x0800
TCP_SPORT, TCP_DPORT = 4000, 4001


class Guest:
    """Its network card."""

    def __init__(self):
        with namespace("left"):
            self.tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tap, TUNSETIFF,
                        struct.pack("16sH22x", b"guest", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        address = host["left"].run("cat", "/sys/class/net/guest/address").strip()
        self.header = bytes.fromhex(address.replace(":", "")) + b"\2guest" + \
            struct.pack(">H", ETH_P_IP)

    def send(self, packet, start=0, offset=0, flags=NEEDS_CSUM, gso=(0, 0, 0)):
        """False if left's kernel will not have it. gso: type, length of headers, size."""
        kind, header, size = gso
        said = struct.pack("=BBHHHH", flags, kind, header, size, start, offset)
        try:
            os.write(self.tap, said + self.header + packet)
        except OSError:
            return False
        return True


def inside():
    """What right gets out of the tunnel, IP packets."""
    with namespace("right"):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    sock.bind(("vpn0", ETH_P_IP))
    sock.settimeout(PATIENCE)
    return sock


def tcp(payload, sequence):
    """A segment without a checksum, but for that of the pseudo header."""
    body = struct.pack(">HHIIBBHHH", TCP_SPORT, TCP_DPORT, sequence, 1, 5 << 4, 0x18, 1000, 0, 0)
    packet = packets.ipv4(packets.address(GUEST), packets.address(RIGHT), socket.IPPROTO_TCP,
                           body + payload)
    pseudo = packet[12:20] + struct.pack(">HH", socket.IPPROTO_TCP, len(body) + len(payload))
    partial = ~packets.checksum(pseudo) & 0xffff
    return packet[:36] + struct.pack(">H", partial) + packet[38:]


def sum_over_segment(packet):
    """0 if it is right."""
    pseudo = packet[12:20] + struct.pack(">HH", socket.IPPROTO_TCP, len(packet) - 20)
    return packets.checksum(pseudo + packet[20:])


def arrives_still():
    """What was sent before may fill the queues on the way, and the socket: then it is sent again."""
    sock = inside()
    sock.setblocking(False)
    mark = os.urandom(8)

    def arrived():
        guest.send(packets.udp(GUEST, RIGHT, mark), flags=0)
        try:
            while not sock.recv(65536).endswith(mark):
                pass
        except BlockingIOError:
            return False
        return True

    wait_until(arrived, "nothing that is in order arrives any more")


@case("a checksum that is where it says is completed")
def _():
    sock = inside()
    payload = bytes(range(256)) * 3
    assert guest.send(tcp(payload, 7), start=IP, offset=16)
    got = sock.recv(65536)
    equal(got[40:], payload, "the payload")
    equal(sum_over_segment(got), 0, "sum over the segment")


@case("a packet to be cut is cut, each part with its checksums")
def _():
    sock = inside()
    payload = bytes(range(250)) * 5
    assert guest.send(tcp(payload, 1000), start=IP, offset=16, gso=(GSO_TCPV4, IP + 20, 400))
    got = b""
    while len(got) < len(payload):
        packet = sock.recv(65536)
        equal(packets.checksum(packet[:20]), 0, "sum over the header")
        equal(sum_over_segment(packet), 0, "sum over the segment")
        equal(struct.unpack(">I", packet[24:28])[0], 1000 + len(got), "sequence number")
        got += packet[40:]
    equal(got, payload, "the payload")


@case("a checksum anywhere else harms nobody")
def _():
    before = host["left"].counters()
    taken = 0
    places = itertools.product((0, 1, 6, 13, 14, 20, 33, IP, IP + 8, 75, 76, 500, 65535),
                               (0, 1, 6, 16, 40, 60, 61, 500, 65534))
    for start, offset in places:
        taken += guest.send(packets.udp(GUEST, RIGHT, b"x" * 48), start, offset)
    ktap.say(f"{taken} of 117 were sent")
    assert taken, "none was sent"
    arrives_still()
    after = host["left"].counters()
    ktap.say({name: value - before[name] for name, value in after.items()
              if value != before[name] and "drop" in name})


@case("a way to cut that does not fit the packet harms nobody")
def _():
    payload = bytes(1250)
    for kind in (1, 3, 4, 5, 0x81, 0x85, 255):
        for header in (0, 1, IP, IP + 20, 200, 65535):
            for size in (0, 1, 8, 400, 1250, 65535):
                for packet in (tcp(payload, 1), packets.udp(GUEST, RIGHT, payload)):
                    guest.send(packet, IP, 16, gso=(kind, header, size))
    arrives_still()


@case("a train whose UDP header says another length is malformed, or harms nobody")
def _():
    size, messages = 100, 20
    message = tv.header(tv.DATA, 0xbad) + bytes(size - 8)

    def send_train(lie):
        packet = packets.udp(GUEST, LEFT, message * messages, dport=PORT)
        length = struct.unpack_from(">H", packet, 24)[0] + lie
        packet = packet[:24] + struct.pack(">H", length) + packet[26:]
        return guest.send(packet, IP, 6, gso=(GSO_UDP, IP + 8, size))

    if not send_train(0):
        ktap.say("this kernel takes no trains of UDP from virtual machines")
        return
    with host["left"].counts("rx_drop_malformed", by=2):
        # Nobody takes trains whole before one has come in segments
        def counted():
            send_train(0)
            send_train(1)
            return host["left"].counters()["rx_drop_malformed"] > before

        before = host["left"].counters()["rx_drop_malformed"]
        wait_until(counted, "a train that is too short is malformed")
        send_train(60000)
    with host["left"].counts("rx_drop_unknown_session", by=2 * messages):
        for less in range(0, 8 + messages * size + 1, 8):
            send_train(-less)
    arrives_still()


host = {side: Host(side) for side in ("left", "right")}
guest = Guest()
ktap.run_cases()

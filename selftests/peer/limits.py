#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The limits that README.md lists, at their edges. Run by limits.sh in the namespace of a peer, with a
virtual clock: that is what times and rates here are exact by."""

import os
import socket
import struct
import subprocess
import sys
import time

import ktap
import packets
import toyvpn as tv
from flood import ETH_P_ALL, Sender
from ktap import case, equal
from rig import PORT, from_arguments

OURS, THEIRS = "10.9.0.2", "10.9.0.1"
ALLOWED = ("10.9.0.2/32", "fd09::2/128")
OUTSIDE = {4: "192.0.2.1", 6: "2001:db8::1"}

QUEUE_PACKETS, QUEUE_BYTES = 128, 1 << 20
HANDSHAKE_QUEUE = 1024
UNDER_LOAD = HANDSHAKE_QUEUE // 8
BURST, RATE = 5, 20
LARGEST = 65455
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33

host = peer = inside = wire = None


class Wire:
    """Frames with any source to the host, and what it answers to sources that are not there."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.listener.bind(("eth0", ETH_P_ALL))
        self.listener.settimeout(0.5)
        mac = host.run("cat", "/sys/class/net/eth0/address").strip()
        self.ethernet = bytes.fromhex(mac.replace(":", "")) + b"\2\0\0\0\0\1"

    def frame(self, source, port, message):
        family = 6 if ":" in source else 4
        return (self.ethernet + (b"\x86\xdd" if family == 6 else b"\x08\0") +
                packets.udp(source, OUTSIDE[family], message, port, PORT))

    def send(self, frames):
        sender = Sender("right", "eth0", frames)
        while sender.sent < len(frames):
            sender.send(1024)

    def cookies(self):
        """Of the COOKIEs that came, {receiver index: message}, until none comes any more."""
        found = {}
        while True:
            try:
                frame = self.listener.recv(2048)
            except TimeoutError:
                return found
            message = packets.udp_payload(frame[14:]) or b""
            if len(message) == 64 and message[0] == tv.COOKIE:
                found[struct.unpack_from("<I", message, 4)[0]] = message

    def drain(self):
        self.listener.setblocking(False)
        try:
            while self.listener.recv(64):
                pass
        except BlockingIOError:
            pass
        self.listener.settimeout(0.5)


def init(cookie=None, index=None):
    """INIT with macs that are right, and nothing behind them."""
    body = tv.header(tv.INIT, tv.new_index() if index is None else index) + os.urandom(144)
    return tv.with_macs(body, peer.host_public, cookie)


def load():
    """Frames that bring the host under load, which lasts for a second: strangers without a cookie."""
    return [wire.frame("198.19.255.1", 1024 + n, init()) for n in range(3 * UNDER_LOAD)]


def cookies_for(sources):
    """What the host gives each (address, port) as its cookie."""
    found = {}
    while missing := [source for source in sources if source not in found]:
        asked = {}
        for index, source in enumerate(missing, 1):
            message = init(index=index)
            asked[index] = (source, message)
        wire.drain()
        wire.send(load() + [wire.frame(*source, message) for source, message in asked.values()])
        for index, answer in wire.cookies().items():
            if index in asked:
                source, message = asked[index]
                found[source] = tv.open_cookie(peer.host_public, answer, tv.mac1_of(message))
    return found


def settled():
    """The counters once the host has nothing left to do."""
    before = None
    while before != (before := host.counters()):
        time.sleep(1)
    return before


def sent(frames):
    """What the counters counted for frames."""
    before = settled()
    wire.send(frames)
    return {name: count - before[name] for name, count in settled().items()}


def limited(frames):
    """How many of these, which have cookies, come through under load."""
    before = settled()
    wire.send(load() + frames)
    return len(frames) - (settled()["handshake_drop_rate_limit"] -
                          before["handshake_drop_rate_limit"])


def anew(mtu=1420):
    host.run("ip", "link", "set", "vpn0", "mtu", str(mtu))
    host.knows_anew(peer, ALLOWED)


def queued(count, size):
    """Without a session, so many datagrams of the host for the peer; those that it gets then."""
    before = host.counters()["tx_drop_queue_full"]
    for number in range(count):
        inside.sendto(struct.pack(">I", number).ljust(size, b"x"), (OURS, 4000))
    dropped = host.counters()["tx_drop_queue_full"] - before
    answer = peer.answer()
    peer.send(answer.resp())
    session = answer.session()
    numbers = []
    while message := peer.receive(tv.DATA, timeout=2):
        if packet := session.open(message):
            numbers.append(struct.unpack_from(">I", packets.udp_payload(packet))[0])
    ktap.say(f"{count} of {size} bytes: {dropped} dropped")
    equal(numbers, list(range(dropped, count)), "the newest, in their order")
    return dropped


@case("128 packets wait for a session, and the oldest give way")
def _():
    anew()
    equal(queued(QUEUE_PACKETS, 100), 0, "dropped of as many as may wait")
    anew()
    equal(queued(QUEUE_PACKETS + 72, 100), 72, "dropped of 72 more")


@case("1 MiB of packets waits for a session, however large they are")
def _():
    size = 50000
    anew(mtu=60000)
    kept = 40 - queued(40, size)
    assert kept * size <= QUEUE_BYTES, f"{kept} were kept"
    assert kept * size >= QUEUE_BYTES // 2, f"only {kept} were kept"


@case("the largest MTU: such packets cross, both ways")
def _():
    anew(mtu=LARGEST)
    session = peer.connect()
    inside.sendto(b"y" * (LARGEST - 28), (OURS, 4000))
    while not (packet := session.open(peer.receive(tv.DATA))):
        pass
    equal(len(packet), LARGEST, "size")
    peer.send(session.seal(packets.udp(OURS, THEIRS, b"z" * (LARGEST - 28))))
    equal(inside.recv(1 << 17), b"z" * (LARGEST - 28), "what arrived")


@case("a larger MTU is refused, with a reason")
def _():
    result = subprocess.run(["ip", "netns", "exec", "left", "ip", "link", "set", "vpn0", "mtu",
                             str(LARGEST + 1)], capture_output=True, text=True, check=False)
    assert result.returncode and "mtu greater than device maximum" in result.stderr, result


@case("under load, a source has 5 handshakes at once and is then refused")
def _():
    source = ("198.18.0.1", 4001)
    cookie = cookies_for([source])[source]
    frames = [wire.frame(*source, init(cookie)) for _ in range(40)]
    # One more if they take longer than the 50 ms after which there is one more
    assert BURST <= (through := limited(frames)) <= BURST + 1, f"{through} came through"


def through_in(seconds, source, cookie):
    """Under load, how many handshakes of a source come through, and in how many seconds; None if the
    load was over before that. It lasts for a second: who sends no cookie does not prolong it."""
    time.sleep(1)
    before = settled()
    wire.drain()
    wire.send(load())
    number, begin = 0, time.monotonic()
    while time.monotonic() < begin + seconds:
        wire.send([wire.frame(*source, init(cookie)) for _ in range(5)])
        number += 5
        time.sleep(0.02)
    seconds = time.monotonic() - begin
    last = tv.new_index()
    wire.send([wire.frame("198.19.255.1", 1, init(index=last))])
    if last not in wire.cookies():
        return None
    refused = settled()["handshake_drop_rate_limit"] - before["handshake_drop_rate_limit"]
    ktap.say(f"{number - refused} of {number} in {seconds:.2f} s")
    return number - refused, seconds


@case("and then 20 a second")
def _():
    source = ("198.18.0.2", 4001)
    cookie = cookies_for([source])[source]
    # A slow kernel has worked off most of the load by the time that the last of it was sent
    for window in 0.8, 0.6, 0.4:
        if result := through_in(window, source, cookie):
            break
    else:
        raise AssertionError("the load never lasted")
    through, seconds = result
    assert abs(through - BURST - RATE * seconds) <= 2, "not 20 a second"


@case("all of an IPv6 /64 is one source, another /64 is another")
def _():
    sources = [(f"2001:db8:1000::{number:x}", 4001) for number in (1, 2, 0xffff)]
    other = ("2001:db8:1000:1::1", 4001)
    cookies = cookies_for([*sources, other])
    frames = [wire.frame(*source, init(cookies[source])) for source in sources * 10]
    assert BURST <= (through := limited(frames)) <= BURST + 1, f"{through} came through"
    time.sleep(1)
    both = [wire.frame(*source, init(cookies[source])) for source in (sources[0], other) * 10]
    assert 2 * BURST <= (through := limited(both)) <= 2 * BURST + 2, f"{through} came through"


@case("another IPv4 address is another source, whatever the first one does")
def _():
    sources = [("198.18.0.3", 4001), ("198.18.0.4", 4001)]
    cookies = cookies_for(sources)
    first, second = ([wire.frame(*source, init(cookies[source])) for _ in range(count)]
                     for source, count in zip(sources, (40, BURST)))
    assert 2 * BURST <= (through := limited(first + second)) <= 2 * BURST + 1, f"{through}"


@case("1,024 handshake messages wait; what comes then is dropped, and nothing goes uncounted")
def _():
    sources = [(f"198.18.{n >> 8}.{n & 255}", 4001) for n in range(1024, 1024 + 1500)]
    cookies = cookies_for(sources)
    # 4 of each source: as many as none is refused for
    frames = [wire.frame(*source, init(cookies[source])) for source in sources * 4]
    counted = sent(load() + frames)
    counted = {name: count for name, count in counted.items() if count}
    ktap.say(counted)
    assert counted.get("handshake_drop_queue_full"), "the queue was never full"
    equal(sum(counted[name] for name in counted if name.startswith("handshake_")),
          len(frames) + 3 * UNDER_LOAD, "all that is counted")
    assert counted["handshake_drop_authentication"] >= HANDSHAKE_QUEUE, "it was less than 1,024"


@case("and afterwards an honest peer gets in")
def _():
    anew()
    session = peer.connect()
    inside.sendto(b"hello", (OURS, 4000))
    while not (packet := session.open(peer.receive(tv.DATA))):
        pass
    equal(packets.udp_payload(packet), b"hello", "data")


def main():
    global host, peer, inside, wire
    host, peer = from_arguments(sys.argv[1:])
    peer.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    inside = host.udp_socket(THEIRS)
    inside.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
    wire = Wire()
    ktap.run_cases(before=peer.drain)


main()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""A day in the life of a tunnel between left and right. Run by day.sh, on a virtual clock.

Numbered datagrams go both ways, and each must arrive, whole and once, whatever happens to the two:
one that comes later than the next is due is waited for until the end of its part of the day. Only
these may be lost: what was sent while the network was down, and in the RETRY seconds after that, for
a handshake that was tried in vain may give up before its next INIT, and drops what waits for it.
"""

import hashlib
import json
import os
import pathlib
import random
import select
import socket
import struct
import sys
import time

import ktap
import memory
from ktap import case
from netns import PATIENCE, namespace
from rig import Host

HOUR = 3600
# Hours: a little longer than most, so that there are 700 sessions
DAY = 29
PORT = 5001
INNER = {"left": "10.9.0.1", "right": "10.9.0.2"}
OTHER = {"left": "right", "right": "left"}
SIZES = (5, 64, 500, 1392)
KEEPALIVE = 25
RETRY = 5 + 0.333
REKEY_AFTER_TIME = 120

# What the drop counters may count in an hour without a network. Of two INITs that waited for the
# same neighbour, and arrive at once when it is found, the older one is answered: too late.
OUTAGE = {"tx_drop_no_session", "tx_drop_queue_full", "tx_drop_no_outer_route",
          "handshake_drop_too_often", "rx_drop_unknown_session"}


def now():
    """Seconds, also those for which the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def body(side, number):
    """What datagram number of this side consists of, and nothing else could."""
    head = struct.pack(">cI", side[0].encode(), number)
    size = SIZES[number % len(SIZES)]
    return head + hashlib.shake_128(head).digest(size - len(head))


class Traffic:
    """Both ends, and what is on its way between them."""

    def __init__(self):
        self.sockets = {}
        for side, address in INNER.items():
            with namespace(side):
                sock = self.sockets[side] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, PORT))
            sock.setblocking(False)
        self.sent = dict.fromkeys(INNER, 0)
        self.waiting = {}
        self.lost = []
        self.down = None
        self.dropped = dropped()

    def send(self, side):
        number = self.sent[side]
        self.sent[side] += 1
        self.waiting[side, number] = now()
        try:
            self.sockets[side].sendto(body(side, number), (INNER[OTHER[side]], PORT))
        except OSError:
            assert self.down, f"datagram {number} of {side} was refused"

    def receive(self, patience):
        """What comes until nothing is waited for, or for so long."""
        deadline = now() + patience
        while self.waiting:
            ready, _, _ = select.select(self.sockets.values(), [], [], max(deadline - now(), 0))
            if not ready:
                break
            for sock in ready:
                data = sock.recv(2048)
                sender = "left" if data[:1] == b"l" else "right"
                number, = struct.unpack(">I", data[1:5])
                assert data == body(sender, number), "a damaged datagram"
                assert (sender, number) in self.waiting, f"{number} of {sender} came twice"
                del self.waiting[sender, number]

    def both(self, first="left"):
        """A datagram each way. What does not come at once may come later."""
        self.send(first)
        self.receive(0.2)
        self.send(OTHER[first])
        self.receive(0.2)

    def go_on(self, seconds, interval, count=1):
        """As long as that, so many both ways at each interval."""
        end = now() + seconds
        while (begin := now()) + interval <= end:
            for _ in range(count):
                self.both()
            time.sleep(max(begin + interval - now(), 0))
        time.sleep(max(end - now(), 0))

    def all_arrived(self, excused=frozenset()):
        """And nothing else was dropped, but for these reasons."""
        self.receive(PATIENCE)
        assert not self.waiting, f"lost: {sorted(self.waiting)[:20]}, {len(self.waiting)} in all"
        before, self.dropped = self.dropped, dropped()
        new = {name: value - before[name] for name, value in self.dropped.items()
               if value != before[name]}
        assert all(name[1] in excused for name in new), f"dropped: {new}"

    def network(self, up):
        """Whether the cable carries anything."""
        for side in INNER:
            host[side].run("tc", "qdisc", "del" if up else "add", "dev", "eth0", "root",
                           *(() if up else ("netem", "loss", "100%")))
        self.down = None if up else now()
        return now()

    def forgive(self, begin, end):
        """What did not arrive was sent in that time, or is a loss that must not be."""
        self.receive(PATIENCE)
        self.lost = [one for one, at in self.waiting.items() if begin <= at <= end]
        for one in self.lost:
            del self.waiting[one]
        self.all_arrived(OUTAGE)


def suspend():
    """As far as freezing all processes, which the kernel then undoes."""
    test, state = pathlib.Path("/sys/power/pm_test"), pathlib.Path("/sys/power/state")
    if not os.access(test, os.W_OK) or "mem" not in state.read_text(encoding="ascii"):
        raise ktap.Skip("this kernel cannot be made to try it")
    test.write_text("freezer", encoding="ascii")
    pathlib.Path("/sys/module/suspend/parameters/pm_test_delay").write_text("0", encoding="ascii")
    state.write_text("mem", encoding="ascii")
    test.write_text("none", encoding="ascii")


def dropped():
    """The drop counters of both sides."""
    return {(side, name): value for side in INNER for name, value in host[side].counters().items()
            if "_drop_" in name}


def rekeys():
    return host["left"].counters()["handshakes_completed"]


def shown(side):
    device, = json.loads(host[side].run("toyvpnctl", "show", "vpn0", "--json"))
    return device["peers"][0]


def move(side, address):
    """Its only IPv4 address outside from now on."""
    host[side].run("ip", "-4", "addr", "flush", "dev", "eth0")
    host[side].run("ip", "addr", "add", address + "/24", "dev", "eth0")


@case("night: six hours of keepalives, and a datagram every twenty minutes")
def _():
    traffic.go_on(6 * HOUR, 1200)
    traffic.all_arrived()


@case("morning: three hours with some mail every minute or two")
def _():
    end = now() + 3 * HOUR
    while now() < end:
        traffic.go_on(random.uniform(60, 120), 60, count=3)
    traffic.all_arrived()


@case("work: three hours of steady traffic")
def _():
    traffic.go_on(3 * HOUR, 3)
    traffic.all_arrived()


@case("the network fails for an hour: nothing is lost but what was sent meanwhile")
def _():
    down = traffic.network(up=False)
    traffic.go_on(HOUR, 10)
    up = traffic.network(up=True)
    traffic.go_on(60, 1)
    traffic.forgive(down, up + RETRY)
    assert traffic.lost, "nothing was lost: the network did not fail"
    say_lost(traffic.lost, down, up)
    traffic.go_on(600, 5)
    traffic.all_arrived()


@case("a train journey: left is elsewhere every ten minutes, for four hours")
def _():
    for stop in range(24):
        address = f"192.0.2.{11 + stop % 7}"
        move("left", address)
        if stop % 4 == 3:
            host["left"].set("listen-port", str(40000 + stop))
        # Nobody knows where it is before it has sent something
        traffic.both(first="left")
        assert shown("right")["endpoint"].startswith(address + ":"), "right did not follow"
        traffic.go_on(600, 20)
    traffic.all_arrived()


@case("the server moves, and left is told of another address family")
def _():
    move("right", "192.0.2.22")
    traffic.both(first="right")
    assert shown("left")["endpoint"].startswith("192.0.2.22:"), "left did not follow"
    traffic.go_on(900, 15)
    host["left"].set("peer", shown("left")["public_key"], "endpoint", "[2001:db8::2]:51820")
    traffic.both(first="left")
    assert shown("right")["endpoint"].startswith("[2001:db8::1]:"), "right did not follow"
    traffic.go_on(900, 15)
    traffic.all_arrived()


@case("suspend and resume, three times")
def _():
    for _ in range(3):
        before = rekeys()
        suspend()
        traffic.go_on(300, 10)
        traffic.all_arrived()
        assert rekeys() > before, "the session before the suspend was used after it"


@case("evening: two hours of bursts")
def _():
    end = now() + 2 * HOUR
    while now() < end:
        traffic.go_on(random.uniform(30, 300), 30, count=10)
    traffic.all_arrived()


@case("left's keepalive is off: an hour, its keys are erased between what little is sent")
def _():
    key = shown("left")["public_key"]
    host["left"].set("peer", key, "persistent-keepalive", "off")
    for _ in range(5):
        time.sleep(720)
        assert shown("left")["cipher"] == shown("right")["cipher"] == "none", "keys are left"
        traffic.both(first=random.choice(list(INNER)))
        traffic.all_arrived()
    host["left"].set("peer", key, "persistent-keepalive", str(KEEPALIVE))


@case("the rest of the day")
def _():
    traffic.go_on(max(midnight - now(), 0), 30)
    traffic.all_arrived()


@case("the session was renewed all day, and not more often than it had to be")
def _():
    made = rekeys() - first["rekeys"]
    ktap.say(f"{made} sessions in {(now() - first['time']) / HOUR:.2f} hours; "
             f"{sum(traffic.sent.values())} datagrams, {len(traffic.lost)} of them lost, "
             "all while the network was down")
    # All but two hours have a network and keepalives; a session lasts for 120 to 145 seconds
    assert made >= (DAY - 2) * HOUR / (REKEY_AFTER_TIME + KEEPALIVE), "too few"
    assert made <= DAY * HOUR / REKEY_AFTER_TIME, "too many"
    assert made >= 700, "not the 700 that the day is long enough for"


@case("memory is what it was in the morning")
def _():
    # One object of a session that is never freed, of any size, would be there some 700 times
    grown = memory.growth(first["memory"], memory.settled())
    ktap.say(f"grown by {grown}")
    assert not (leaks := memory.grown_too_much(first["memory"], grown, objects=100)), leaks


def say_lost(lost, down, up):
    """Which ones."""
    for side in INNER:
        numbers = sorted(number for name, number in lost if name == side)
        ktap.say(f"{side}: {len(numbers)} lost of those that it sent in the {up - down:.0f} s "
                 f"without a network, numbers {numbers[0]} to {numbers[-1]}")


def settle():
    """The first session, and what Python and the kernel allocate once."""
    host["left"].set("peer", shown("left")["public_key"], "persistent-keepalive", str(KEEPALIVE))
    traffic.go_on(600, 20)
    traffic.all_arrived()


seed = int(sys.argv[1]) if sys.argv[1:] else random.randrange(1 << 32)
random.seed(seed)
host = {side: Host(side) for side in INNER}
traffic = Traffic()
settle()
first = {"rekeys": rekeys(), "time": now(), "memory": memory.settled()}
midnight = first["time"] + DAY * HOUR
ktap.say(f"seed {seed}")
ktap.run_cases()

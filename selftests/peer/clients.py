#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Clients of a VPN server, in user space.

clients.py join SERVER PUBLIC-KEY-FILE PRIVATE-KEY-FILE LOGIN PASSWORD [SECONDS]
    log in, and print what came of it in a line: what the server gives, "refused", "full", "silence"
clients.py replay ...
    likewise, and send the same INIT once more, from another port: print what comes of that
clients.py crowd SERVER PUBLIC-KEY-FILE NETWORK NUMBER SEED LOGIN PASSWORD [SECONDS]
    as many clients at once, each with an address of NETWORK and a key of its own, the same ones for
    the same SEED: print for each its key and what came of it, then how long all took
"""

import ipaddress
import resource
import select
import socket
import struct
import sys
import time

import rig
import toyvpn as tv

ADDRESS, ROUTE, DNS, SEARCH, MTU, KEEPALIVE = range(1, 7)
WORDS = {ADDRESS: "address", ROUTE: "route", DNS: "dns", SEARCH: "search", MTU: "mtu",
         KEEPALIVE: "keepalive"}
# Of protocol.md; then every 5 s.
RETRY = 1, 2, 4


def config_tlvs(data):
    """[(type, value), ...]; unlike in a handshake a type can be there several times."""
    items = []
    while len(data) >= 4:
        kind, length = struct.unpack_from("<HH", data)
        assert len(data) >= 4 + length, "a value longer than all"
        items.append((kind, data[4:4 + length]))
        data = data[4 + length:]
    return items


def value_text(kind, value):
    """One value of a server's configuration."""
    if kind in (MTU, KEEPALIVE):
        return str(struct.unpack("<H", value)[0])
    if kind == SEARCH:
        return value.decode("ascii")
    family, prefix = value[:2]
    address = ipaddress.ip_address(value[2:])
    assert address.version == family, "family and address differ"
    return str(address) if kind == DNS else f"{address}/{prefix}"


def outcome(session):
    """What a RESP says, in a line."""
    payload = dict(session.payload)
    if tv.REJECT in payload:
        reason, = struct.unpack("<H", payload[tv.REJECT])
        return {tv.REFUSED: "refused", tv.SERVER_FULL: "full"}.get(reason, f"reject {reason}")
    if tv.CONFIG not in payload:
        return "nothing"
    return " ".join(f"{WORDS[kind]} {value_text(kind, value)}"
                    for kind, value in config_tlvs(payload[tv.CONFIG]))


class Client:
    """One that logs in: a key, a socket, and INITs until there is an answer."""

    def __init__(self, identity, server_public, server, login, password, bind=None):
        self.peer = rig.Peer(identity, server_public, server, bind=bind)
        self.tlv = [(tv.CREDENTIALS, login.encode() + b"\0" + password.encode())] if login else []
        self.offer = None
        self.tries = 0
        self.next = 0
        self.done = None

    def prepare(self):
        """Make the first INIT, so that sending it costs little."""
        self.offer = self.peer.offer(tlv=self.tlv)

    def send(self, now):
        """The next INIT."""
        if self.tries or not self.offer:
            self.prepare()
        self.peer.send(self.offer.message)
        self.next = now + (RETRY[self.tries] if self.tries < len(RETRY) else 5)
        self.tries += 1

    def read(self):
        """A message that is there: a RESP to the last INIT is the end of it."""
        message = self.peer.socket.recv(65536)
        try:
            if message[0] == tv.COOKIE:
                self.peer.send(self.offer.with_cookie(message))
            elif message[0] == tv.RESP:
                session = self.offer.finish(message)
                self.done = outcome(session)
                if session.cipher:
                    self.peer.send(session.seal(b""))
        except tv.ProtocolError:
            # It answers an INIT before the last.
            pass


def run(clients, seconds):
    """Until all have an answer, or time is over."""
    by_fd = {client.peer.socket.fileno(): client for client in clients}
    poll = select.epoll()
    for fd in by_fd:
        poll.register(fd, select.EPOLLIN)
    begin = time.monotonic()
    waiting = dict.fromkeys(clients)

    def read_all(timeout):
        while ready := poll.poll(timeout):
            timeout = 0
            for fd, _ in ready:
                by_fd[fd].read()
                if by_fd[fd].done:
                    waiting.pop(by_fd[fd], None)

    while waiting and time.monotonic() < begin + seconds:
        for client in list(waiting):
            # An INIT makes void what may have come meanwhile.
            if client.next and client.next <= time.monotonic():
                read_all(0)
            if not client.done and client.next <= time.monotonic():
                client.send(time.monotonic())
        read_all(0.05)
    poll.close()
    return time.monotonic() - begin


def join(arguments, replay=False):
    server, public, private, login, password, *seconds = arguments
    client = Client(tv.Identity(rig.key_file(private)), rig.key_file(public), (server, rig.PORT),
                    login, password)
    seconds = float(seconds[0]) if seconds else 60
    run([client], seconds)
    if replay:
        with socket.socket(client.peer.socket.family, socket.SOCK_DGRAM) as other:
            other.sendto(client.offer.message, (server, rig.PORT))
            ready = select.select([other], [], [], seconds)[0]
        print("silence" if not ready else "answered")
    else:
        print(client.done or "silence")


def crowd(arguments):
    server, public, network, number, seed, login, password, *seconds = arguments
    public = rig.key_file(public)
    hosts = ipaddress.ip_network(network).hosts()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, int(number) + 100), hard))
    clients = [Client(tv.Identity(tv.sha256(f"{seed} {i}".encode())), public,
                      (server, rig.PORT), login, password, bind=(str(next(hosts)), rig.PORT))
               for i in range(int(number))]
    for client in clients:
        client.prepare()
    taken = run(clients, float(seconds[0]) if seconds else 60)
    for client in clients:
        print(rig.Host.base64(client.peer.identity.public), client.done or "silence")
    print(f"seconds {taken:.1f}")


def main():
    command, *arguments = sys.argv[1:]
    if command == "crowd":
        crowd(arguments)
    else:
        join(arguments, command == "replay")


main()

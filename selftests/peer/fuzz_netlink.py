#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""fuzz_netlink.py SEED MESSAGES: messages that are nearly right, made of uapi/toyvpn.yaml, for the
link fuzz0 of the caller's namespace. The same seed makes the same messages. Run by
fuzz-netlink.sh."""

import errno
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile

import forks
import ktap
import toyvpn as tv
import yaml
from family import C, GET, HEADER, PEER_GET, Authorizer, Config, dev, endpoint, flags, prefix
from genl import (NETLINK_GENERIC, NLA_F_NESTED, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, Refused,
                  Socket, parse)
from ktap import case, equal
from model import HS_UNKNOWN_PEER
from netns import PATIENCE
from rig import neighbour
from rtnl import Links

LINK = "fuzz0"
SPECIFICATION = pathlib.Path(HEADER).parents[1] / "toyvpn.yaml"
NLA_F_NET_BYTEORDER = 0x4000
# The kernel has no sentence for these: who may, and what there is no memory for
SPEECHLESS = {errno.EPERM, errno.ENOMEM, errno.ENOBUFS}

# How often each operation, in the order of the specification; and where strangers wait for an answer
WEIGHTS = 2, 6, 3, 10, 2, 1, 2, 0.2, 0.2
ANSWERS = 0, 0, 1, 10, 1, 0, 10, 0, 0

seed, total = 0, 0


def load():
    with open(SPECIFICATION, encoding="ascii") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class Attribute:
    """One of the specification's."""

    def __init__(self, number, entry, constants):
        self.name, self.kind, self.number = entry["name"], entry["type"], number
        self.nested = entry.get("nested-attributes")
        self.big = entry.get("byte-order") == "big-endian"
        exact = entry.get("checks", {}).get("exact-len")
        self.length = constants.get(exact, exact)


class Specification:
    """What the messages are made of."""

    def __init__(self, text):
        constants = {one["name-prefix"] + one["name"]: one["value"]
                     for one in text["definitions"] if one["type"] == "const"}
        self.sets = {one["name"]: {entry["name"]: Attribute(number, entry, constants)
                                   for number, entry in enumerate(one["attributes"], 1)}
                     for one in text["attribute-sets"]}
        self.operations = []
        for number, one in enumerate(text["operations"]["list"], 1):
            attributes = self.sets[one["attribute-set"]]
            said = one.get("do", {}).get("request", one.get("event"))["attributes"]
            self.operations.append({
                "name": one["name"], "number": number, "dump": "dump" in one, "all": attributes,
                "event": "event" in one, "request": [attributes[name] for name in said]})


specification = Specification(load())


def encode(items):
    """Attributes of (type, value, length): a value is bytes or items; a length may lie."""
    data = b""
    for kind, value, length in items:
        value = value if isinstance(value, bytes) else encode(value)
        data += struct.pack("<HH", len(value) + 4 if length is None else length, kind)
        data += value + bytes(-len(value) % 4)
    return data


class Maker:
    """Makes messages."""

    def __init__(self, name, weights=WEIGHTS):
        self.random = random.Random(name)
        self.weights = weights
        # Of strangers who wait, (id, public key)
        self.requests = []
        self.keys = [self.random.randbytes(31) + b"\x40" for _ in range(24)]
        self.mutations = [self.drop, self.repeat, self.shuffle, self.retype, self.resize, self.lie,
                          self.mark, self.wrap, self.scramble, self.swell, self.descend]

    def integer(self, size, big):
        edges = [0, 1, 2, 3, 4, 8, 15, 16, 32, 33, 128, 129, 255, 51820, 65535, 1 << 31,
                 (1 << 32) - 1, self.random.getrandbits(64)]
        number = self.random.choice(edges) % (1 << 8 * size)
        return number.to_bytes(size, "big" if big else "little")

    def address(self, size):
        start = [0x20, 0xfe, 0xff, 0xfd, 0] if size == 16 else [10, 127, 0, 224, 255, 192]
        rest = self.random.randbytes(size - 1)
        mapped = bytes(10) + b"\xff\xff" + rest[:4]
        return self.random.choice([bytes(size), b"\xff" * size, rest + b"\1", mapped[-size:],
                                   bytes([self.random.choice(start)]) + rest])

    def value(self, attribute):
        """One of the right form."""
        name, kind = attribute.name, attribute.kind
        if kind == "nest":
            return self.nest(specification.sets[attribute.nested])
        if kind in ("flag", "pad"):
            return b""
        if kind == "string":
            return self.random.choice([b"lo", b"eth0", b"nothere", b"", b"a" * 15]) + b"\0"
        if kind == "binary":
            if name == "public-key":
                return self.random.choice(self.keys)
            if attribute.length == 32:
                return self.random.choice([bytes(32), b"\xff" * 32, self.random.choice(self.keys),
                                           self.random.randbytes(32)])
            if attribute.length == 16:
                return self.address(16)
            if name in ("config", "received-config", "credentials"):
                return self.random.randbytes(self.random.choice([0, 1, 100, 256, 257, 768, 769]))
            return bytes(self.random.choices(range(4), weights=[1, 6, 6, 1],
                                             k=self.random.choice([0, 1, 1, 2, 2, 9])))
        if name == "reason":
            return struct.pack("<I", self.random.choice([C["REASON_REFUSED"], C["REASON_SERVER_FULL"],
                                                         self.random.randrange(16)]))
        if attribute.big and kind == "u32":
            return self.address(4)
        return self.integer(int(kind[1:]) // 8, attribute.big)

    def nest(self, attributes):
        """An allowed IP, mostly one that can be."""
        family = self.random.choice(["ipv4", "ipv6"])
        most = 32 if family == "ipv4" else 128
        items = [(attributes[family].number, self.value(attributes[family]), None),
                 (attributes["prefix-len"].number, bytes([self.random.randint(0, most)]), None)]
        if self.random.random() < 0.1:
            items.append((attributes["remove"].number, b"", None))
        return items

    def good(self, operation):
        """Attributes that are right one by one."""
        items = []
        waiting = self.random.choice(self.requests) if self.requests else None
        for attribute in operation["request"]:
            kind = attribute.number | (NLA_F_NESTED if attribute.kind == "nest" else 0)
            if attribute.name == "ifname":
                items.append((kind, LINK.encode() + b"\0", None))
            elif waiting and attribute.name == "request-id":
                items.append((kind, struct.pack("<I", waiting[0]), None))
            elif waiting and attribute.name == "public-key" and operation["name"] == "peer-set":
                items.append((kind, waiting[1], None))
            elif attribute.name == "ifindex":
                continue
            elif attribute.name == "public-key":
                if operation["name"] != "peer-del" or self.random.random() < 0.95:
                    items.append((kind, self.value(attribute), None))
            elif attribute.kind == "nest":
                for _ in range(self.random.choice([0, 1, 1, 2, 5])):
                    items.append((kind, self.value(attribute), None))
            elif attribute.name == "flags":
                if self.random.random() < 0.3:
                    bits = self.random.choice([0, 1, 2, 4, 8, 6, 12, 16, 17])
                    items.append((kind, struct.pack("<I", bits), None))
            elif not attribute.name.startswith("endpoint") and self.random.random() < 0.35:
                items.append((kind, self.value(attribute), None))
        if operation["name"] == "peer-set" and self.random.random() < 0.5:
            items += self.endpoint(operation["all"])
        return items

    def endpoint(self, attributes):
        family = attributes[self.random.choice(["endpoint-ipv4", "endpoint-ipv6"])]
        items = [(family.number, self.value(family), None),
                 (attributes["endpoint-port"].number, struct.pack(">H", 9), None)]
        if self.random.random() < 0.2:
            items.append((attributes["endpoint-scope-id"].number, self.integer(4, False), None))
        return items

    # What is done to a list of attributes. Each may do nothing where there is nothing to do it to.

    def index(self, items):
        return self.random.randrange(len(items))

    def drop(self, items, _):
        del items[self.index(items)]

    def repeat(self, items, operation):
        kind, value, length = items[self.index(items)]
        same = [one for one in operation["all"].values() if one.number == kind & 0x3fff]
        if same and self.random.random() < 0.5:
            value = self.value(same[0])
        for _ in range(self.random.choice([1, 1, 2, 60])):
            items.insert(self.random.randint(0, len(items)), (kind, value, length))

    def shuffle(self, items, _):
        self.random.shuffle(items)

    def retype(self, items, operation):
        index, count = self.index(items), len(operation["all"])
        kind = self.random.choice([0, count, count + 1, self.random.randint(1, count), 0x3fff,
                                   self.random.getrandbits(14)])
        items[index] = (kind, *items[index][1:])

    def resize(self, items, _):
        index = self.index(items)
        kind, value, length = items[index]
        value = value if isinstance(value, bytes) else encode(value)
        size = self.random.choice([0, 1, len(value) - 1, len(value) + 1, 2 * len(value), 300, 4096])
        items[index] = (kind, (value + self.random.randbytes(max(size, 0)))[:max(size, 0)], length)

    def lie(self, items, _):
        index = self.index(items)
        kind, value, _length = items[index]
        items[index] = (kind, value, self.random.choice([0, 1, 3, 4, 5, 8, 36, 64, 0xffff]))

    def mark(self, items, _):
        index = self.index(items)
        kind, *rest = items[index]
        items[index] = (kind ^ self.random.choice([NLA_F_NESTED, NLA_F_NET_BYTEORDER]), *rest)

    def wrap(self, items, _):
        index = self.index(items)
        kind, value, length = items[index]
        for _ in range(self.random.choice([1, 2, 30])):
            value = [(kind | NLA_F_NESTED, value, None)]
        items[index] = (kind, value, length)

    def scramble(self, items, _):
        index = self.index(items)
        kind, value, length = items[index]
        value = value if isinstance(value, bytes) else encode(value)
        items[index] = (kind, self.random.randbytes(len(value)), length)

    def swell(self, items, operation):
        attribute = self.random.choice(list(operation["all"].values()))
        kind = attribute.number | (NLA_F_NESTED if attribute.kind == "nest" else 0)
        items.append((kind, self.value(attribute), None))

    def descend(self, items, _):
        """Something inside a nest, if there is one."""
        nests = [number for number, (_, value, _) in enumerate(items)
                 if isinstance(value, list) and value]
        if nests:
            index = self.random.choice(nests)
            kind, inner, length = items[index]
            inner = list(inner)
            self.random.choice(self.mutations[:-1])(
                inner, {"all": specification.sets["allowed-ip"]})
            items[index] = (kind, inner, length)

    def message(self, ident, sequence):
        """A message; whether the kernel itself may refuse it without a word; and whether it is so
        broken that nobody may answer."""
        operation = self.random.choices(specification.operations, weights=self.weights)[0]
        items = self.good(operation)
        if self.random.random() < 0.7:
            for _ in range(self.random.choice([1, 1, 1, 2, 3])):
                if items:
                    self.random.choice(self.mutations)(items, operation)
        body = encode(items)
        if self.random.random() < 0.03:
            body += self.random.randbytes(self.random.randint(1, 20))
        # No longer than what a socket takes
        body = body[:1 << 15]
        command, version, reserved = operation["number"], 1, 0
        flags = NLM_F_REQUEST | NLM_F_ACK
        wordless, mute = operation["event"], False
        if operation["dump"] and self.random.random() < 0.4:
            flags = NLM_F_REQUEST | NLM_F_DUMP
        if self.random.random() < 0.06:
            wordless = True
            command, version, reserved, flags = self.random.choice([
                (self.random.choice([0, len(WEIGHTS) + 1, 255]), version, reserved, flags),
                (command, self.random.getrandbits(8), reserved, flags),
                (command, version, self.random.getrandbits(16), flags),
                (command, version, reserved,
                 flags | 1 << self.random.choice([3, 5, 8, 9, 10, 15])),
                (command, version, reserved, flags | NLM_F_DUMP)])
        message = struct.pack("<BBH", command, version, reserved) + body
        length = 16 + len(message)
        if self.random.random() < 0.01:
            # Shorter, and what is left is a message of its own; or longer than what there is
            length = self.random.choice([0, 15, 16, 19, length + 1, length + 4000])
            mute = True
        return (struct.pack("<IHHII", length, ident, flags, sequence, 0) + message, wordless, mute)


class Fuzzer:
    """Sends the messages of a maker, and looks at the answers."""

    def __init__(self, name, weights=WEIGHTS):
        self.maker = Maker(f"{seed}/{name}", weights)
        self.config = Config(LINK)
        self.socket = Socket(NETLINK_GENERIC)
        self.sent = self.refused = self.compared = 0
        self.errors = {}
        self.secrets = False

    def one(self):
        """Send a message: whether it was refused."""
        self.socket.sequence += 1
        message, wordless, mute = self.maker.message(self.config.ident, self.socket.sequence)
        self.sent += 1
        self.socket.socket.send(message)
        if mute:
            # And the socket is closed with whatever it was in the middle of
            self.socket.close()
            self.socket = Socket(NETLINK_GENERIC)
            return False
        try:
            for answer in self.socket.answers():
                self.look_for_keys(message[16], answer)
        except Refused as refused:
            self.refused += 1
            name = errno.errorcode[refused.errno]
            self.errors[name] = self.errors.get(name, 0) + 1
            assert refused.message or wordless or refused.errno in SPEECHLESS, \
                f"message {self.sent}: {name} without a sentence: {message.hex()}"
            return True
        return False

    def look_for_keys(self, command, answer):
        found = dict(parse(answer[4:]))
        secret = C["A_DEVICE_PRIVATE_KEY"] if command == GET else C["A_PEER_PRESHARED_KEY"]
        self.secrets |= secret in found
        assert command == GET or C["A_PEER_CREDENTIALS"] not in found, "credentials in an answer"

    def alone(self, count):
        """Nobody else changes the link, and a message that is refused changes nothing: each
        fifth one is watched."""
        for number in range(count):
            before = None if number % 5 else self.config.state()
            if self.one() and before:
                self.compared += 1
                after = self.config.state()
                assert after == before, \
                    f"message {self.sent} was refused, and yet: {difference(before, after)}"
        assert count // 4 < self.refused < count * 9 // 10, "a poor mixture"

    def crowd(self, count):
        """Others do the same."""
        for _ in range(count):
            self.one()

    def report(self, who):
        told = ", ".join(f"{name} {count}" for name, count in sorted(self.errors.items()))
        ktap.say(f"{who}: {self.sent} messages, {self.refused} refused ({told}), "
                 f"{self.compared} of them compared")


def difference(before, after):
    before, after = ((one[0], *one[1]) for one in (before, after))
    return ([one for one in before if one not in after][:3], "is now",
            [one for one in after if one not in before][:3])


@case("the specification numbers what the header numbers")
def _():
    for one in specification.operations:
        equal(C["CMD_" + one["name"].replace("-", "_").upper()], one["number"], one["name"])
    for name, attributes in specification.sets.items():
        for attribute in attributes.values():
            full = f"A_{name}_{attribute.name}".replace("-", "_").upper()
            equal(C[full], attribute.number, full)


@case("what is refused changes nothing, and says why")
def _():
    fuzzer = Fuzzer("alone")
    fuzzer.alone(total // 2)
    fuzzer.report("alone")
    assert fuzzer.secrets, "it saw no key, though it may"
    fuzzer.config.peer_del()


def crowd(number):
    fuzzer = Fuzzer(f"crowd {number}")
    fuzzer.crowd(total // 12)
    fuzzer.report(f"writer {number}")


@case("many writers at once")
def _():
    forks.together(*((crowd, number) for number in range(4)))
    Config(LINK).peer_del()


def stranger():
    """In this network namespace, and not in the user namespace that owns it."""
    forks.become_nobody()
    forks.unshare(forks.CLONE_NEWUSER)
    fuzzer = Fuzzer("stranger")
    fuzzer.crowd(total // 20)
    fuzzer.report("stranger")
    assert fuzzer.errors.get("EPERM", 0) > fuzzer.sent // 10, "it may change something"
    assert not fuzzer.secrets, "a key was shown"


@case("a user of another user namespace changes nothing and sees no key")
def _():
    before = Config(LINK).state()
    forks.together((stranger,))
    equal(Config(LINK).state(), before, "afterwards")


def owner():
    """Of a network namespace, and of a link in it."""
    forks.become_nobody()
    forks.unshare(forks.CLONE_NEWUSER | forks.CLONE_NEWNET)
    links = Links()
    links.add(LINK)
    links.up("lo")
    links.up(LINK)
    fuzzer = Fuzzer("owner")
    fuzzer.alone(total // 10)
    fuzzer.report("owner")


@case("nor does one who fuzzes a link of its own")
def _():
    before = Config(LINK).state()
    forks.together((owner,))
    equal(Config(LINK).state(), before, "afterwards")


# Requests

STRANGERS, OUR_PORT = 5, 51822


def strangers():
    """Who knock at the link."""
    private = bytes(range(1, 33))
    Links().up("lo")
    Config(LINK).set(dev("PRIVATE_KEY", private),
                     dev("LISTEN_PORT", struct.pack("<H", OUR_PORT)))
    return [neighbour(tv.Identity(private).public, port=OUR_PORT) for _ in range(STRANGERS)]


def dropped():
    """Requests that were, without an answer."""
    lines = subprocess.run(["ethtool", "-S", LINK], check=True, stdout=subprocess.PIPE,
                           text=True).stdout.splitlines()
    count, = (line.split()[1] for line in lines if HS_UNKNOWN_PEER in line)
    return int(count)


def became(authorizer, one, told):
    """What became of a stranger's request: answered, or dropped. Else it must still be there, and is
    answered now."""
    try:
        authorizer.refuse(told)
    except Refused as refused:
        equal(refused.errno, errno.ENOENT, "of a request that is gone")
        return "answered" if one.pending(tv.RESP) else "dropped"
    assert one.pending(tv.RESP), "no answer"
    assert not one.pending(tv.RESP), "two answers"
    return "late"


@case("each stranger who waits has one answer, or is dropped, whatever else was said of it")
def _():
    config, peers, authorizer = Config(LINK), strangers(), Authorizer(LINK)
    fuzzer, before = Fuzzer("answers", ANSWERS), dropped()
    count = dict.fromkeys(("answered", "dropped", "late"), 0)
    while fuzzer.sent < total // 20 or not all(count.values()):
        config.peer_del()
        waiting = []
        for one in peers:
            one.send(one.offer().message)
            waiting.append(authorizer.next(PATIENCE))
        assert all(waiting), "nobody was told of a stranger"
        fuzzer.maker.requests = [(told.request, told.key) for told in waiting]
        fuzzer.crowd(2 * STRANGERS)
        for one, told in zip(peers, waiting):
            count[became(authorizer, one, told)] += 1
    equal(count["dropped"], dropped() - before, "requests that were dropped")
    authorizer.close()
    config.peer_del()
    fuzzer.report("answers")
    ktap.say(f"strangers by what was fuzzed: {count}")


# Dumps

PEERS, PREFIXES = 200, 3


def populate(config):
    for number in range(PEERS):
        config.peer_set(number.to_bytes(31, "big") + b"\x40", endpoint("192.0.2.9", 9),
                        *(prefix(f"10.{one}.0.{number}/32") for one in range(PREFIXES)))


def broken_dump(config, size, room):
    """Ask for a dump, read one datagram of it with a buffer of this size, go."""
    other = Socket(NETLINK_GENERIC)
    if room:
        other.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    body = config.body(PEER_GET, config.name)
    other.socket.send(other.message(config.ident, body, NLM_F_DUMP))
    if size:
        other.socket.recv(size)
        # The next one must wait until that is done
        other.socket.send(other.message(config.ident, body, NLM_F_DUMP))
    other.close()


def changing(done):
    """Peers come and go until done is there."""
    config = Config(LINK)
    maker = random.Random(f"{seed}/changing")
    while not os.path.exists(done):
        key = maker.randrange(PEERS).to_bytes(31, "big") + b"\x40"
        if maker.random() < 0.3:
            config.peer_set(key, flags("REPLACE"), prefix(f"10.9.{maker.randrange(256)}.0/24"))
        else:
            third, fourth = maker.randrange(PREFIXES), maker.randrange(256)
            config.peer_set(key, prefix(f"10.0.{third}.{fourth}/32"))


@case("dumps that are broken off, with buffers of every size")
def _():
    config = Config(LINK)
    populate(config)
    before = config.state()
    maker = random.Random(f"{seed}/dumps")
    for _ in range(150):
        broken_dump(config, maker.choice([0, 1, 16, 100, 4096, 1 << 16]),
                    maker.choice([0, 1, 4096, 65536]))
    equal(config.state(), before, "afterwards")
    equal(len(before[1]), PEERS, "peers")


@case("a dump while others change things is whole, or says that it is not")
def _():
    config = Config(LINK)
    interrupted = whole = 0
    with tempfile.TemporaryDirectory() as folder:
        done = os.path.join(folder, "done")
        pids = [forks.start(changing, done) for _ in range(2)]
        try:
            for _ in range(40):
                messages = config.dump(PEER_GET, config.name)
                keys = [dict(one)[C["A_PEER_PUBLIC_KEY"]] for one in messages]
                if config.interrupted:
                    interrupted += 1
                    continue
                whole += 1
                equal(len(set(keys)), PEERS, "peers")
        finally:
            with open(done, "w", encoding="ascii"):
                pass
            forks.finish(*pids)
    ktap.say(f"{interrupted} dumps were overtaken by a change, {whole} were not")
    assert interrupted, "no dump was overtaken by a change"
    equal(len(config.peers()), PEERS, "peers in the end")


@case("a dump whose link goes ends with an error")
def _():
    links = Links()
    links.add("fuzz1")
    config = Config("fuzz1")
    populate(config)
    other = Socket(NETLINK_GENERIC)
    other.socket.send(other.message(config.ident, config.body(PEER_GET, config.name), NLM_F_DUMP))
    links.remove("fuzz1")
    try:
        other.answers()
    except Refused as refused:
        equal(refused.errno, errno.ENODEV, "the error")
    else:
        raise AssertionError("it ended without one")
    other.close()


if __name__ == "__main__":
    seed, total = sys.argv[1], int(sys.argv[2])
    ktap.run_cases()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The UDP socket of a tunnel that a daemon would open, and what it would tell the kernel.

encap.py esp ADDRESS
    ESP in UDP comes in at ADDRESS.
encap.py ovpn ADDRESS OTHER
    The link vpn0 gets OTHER as its peer, and keys.

The tunnel lasts as long as this program.
"""

import hashlib
import os
import signal
import socket
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "../peer"))

from genl import Family, attribute, nest  # noqa: E402

UDP_ENCAP, UDP_ENCAP_ESPINUDP, UDP_GRO = 100, 2, 104
ESP_PORT, OVPN_PORT = 4500, 1194

A_IFINDEX, A_PEER, A_KEYCONF = 1, 2, 3
CMD_PEER_NEW, CMD_KEY_NEW = 1, 6
PEER_ID, PEER_REMOTE_IPV4, PEER_REMOTE_PORT, PEER_SOCKET = 1, 2, 5, 6
KEYCONF_PEER_ID, KEYCONF_SLOT, KEYCONF_KEY_ID, KEYCONF_CIPHER_ALG = 1, 2, 3, 4
KEYCONF_ENCRYPT_DIR, KEYCONF_DECRYPT_DIR = 5, 6
KEYDIR_CIPHER_KEY, KEYDIR_NONCE_TAIL = 1, 2
SLOT_PRIMARY, CIPHER_AES_GCM = 0, 1


def udp_socket(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, port))
    return sock


def u32(kind, value):
    return attribute(kind, struct.pack("=I", value))


def direction(kind, sender):
    key = hashlib.sha512(sender.encode()).digest()
    return nest(kind, attribute(KEYDIR_CIPHER_KEY, key[:32]),
                attribute(KEYDIR_NONCE_TAIL, key[32:40]))


def esp(address):
    sock = udp_socket(address, ESP_PORT)
    # In this order: so ESP gets a callback for GRO as well.
    sock.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    return sock


def ovpn(address, other):
    sock = udp_socket(address, OVPN_PORT)
    family = Family("ovpn")
    link = u32(A_IFINDEX, socket.if_nametoindex("vpn0"))
    family.request(CMD_PEER_NEW, link, nest(
        A_PEER, u32(PEER_ID, 1), u32(PEER_SOCKET, sock.fileno()),
        attribute(PEER_REMOTE_IPV4, socket.inet_aton(other)),
        attribute(PEER_REMOTE_PORT, struct.pack(">H", OVPN_PORT))))
    family.request(CMD_KEY_NEW, link, nest(
        A_KEYCONF, u32(KEYCONF_PEER_ID, 1), u32(KEYCONF_SLOT, SLOT_PRIMARY), u32(KEYCONF_KEY_ID, 0),
        u32(KEYCONF_CIPHER_ALG, CIPHER_AES_GCM), direction(KEYCONF_ENCRYPT_DIR, address),
        direction(KEYCONF_DECRYPT_DIR, other)))
    return sock


if __name__ == "__main__":
    kept = {"esp": esp, "ovpn": ovpn}[sys.argv[1]](*sys.argv[2:])
    signal.pause()

#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""vectors.py PROTOCOL.json NOISE.json: the vectors as C, for the KUnit suites; see tests.h."""

import json
import sys

# What a reader of the file needs to know, and the suites do not
IGNORED = {"responder_preference", "origin", "protocol", "prologue"}


def literal(data):
    """Bytes as a struct toyvpn_bytes."""
    lines = [data[i:i + 16] for i in range(0, len(data), 16)] or [b""]
    text = "\n\t".join('"' + "".join(f"\\x{byte:02x}" for byte in line) + '"' for line in lines)
    return f"TOYVPN_BYTES({text})"


def initializer(value):
    """C for a value of the file: a string in it is hex."""
    if isinstance(value, dict):
        fields = [f".{name} = " + (json.dumps(field) if name == "name" else initializer(field))
                  for name, field in value.items() if name not in IGNORED]
        return "{\n" + ",\n".join(fields) + "\n}"
    if isinstance(value, list):
        if all(isinstance(item, int) for item in value):
            return literal(bytes(value))
        return "{\n" + ",\n".join(map(initializer, value)) + "\n}"
    if isinstance(value, str):
        return literal(bytes.fromhex(value))
    return f"{value:d}"


def main(protocol_file, noise_file):
    with open(protocol_file, encoding="ascii") as file:
        protocol = json.load(file)
    with open(noise_file, encoding="ascii") as file:
        noise = json.load(file)
    prologue = "".join(f"\\x{byte:02x}" for byte in bytes.fromhex(noise["prologue"]))
    print("/* SPDX-License-Identifier: GPL-2.0 */")
    print("/* Made by vectors.py */")
    print('#include "tests.h"\n')
    print(f'#define TOYVPN_VECTORS_PROLOGUE "{protocol["prologue"]}"\n')
    print(f'#define TOYVPN_NOISE_VECTOR_PROLOGUE "{prologue}"\n')
    print("static const struct toyvpn_vector toyvpn_vectors[] __maybe_unused =",
          initializer(protocol["vectors"]) + ";\n")
    print("static const struct toyvpn_noise_vector toyvpn_noise_vector __maybe_unused =",
          initializer(noise) + ";")


main(*sys.argv[1:])

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# generate.sh DIR: make toyvpn.h, netlink-gen.c and netlink-gen.h of toyvpn.yaml in DIR, with the
# kernel's own generator from /usr/src/ynl, where forky's guest has it. "make uapi" calls it there
# and puts the files in their places.

set -euo pipefail

out=$(realpath -m "${1:?DIR}")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
specs=Documentation/netlink/specs
mkdir -p "$out"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# The generator wants the specification inside a kernel tree, beside the others.
cp -r /usr/src/ynl/. "$tree"
cp "$here/toyvpn.yaml" "$tree/$specs/"
cd "$tree"

generate() {
	tools/net/ynl/pyynl/ynl_gen_c.py --spec "$specs/toyvpn.yaml" --function-prefix toyvpn_nl "$@"
}

generate --mode uapi --header -o "$out/toyvpn.h"
generate --mode kernel --source -o "$out/netlink-gen.c"
generate --mode kernel --header -o "$out/netlink-gen.h"
# The groups are for a family that is generated as well; ours is in netlink.c
sed -i '/^static const struct genl_multicast_group /,/^};$/d' "$out/netlink-gen.c"
sed -i -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$out/netlink-gen.c"

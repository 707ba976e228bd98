#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# enter.sh ROOT CMD...: run CMD in the Debian in the folder ROOT, as root and with nothing of this
# machine's environment. The checkout is there, and the folder that BIND= names at /mnt. It has a mount
# namespace of its own: nothing stays mounted, whatever happens.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [[ $1 != --inside ]]; then
	exec unshare --mount "${BASH_SOURCE[0]}" --inside "$@"
fi
root=$2
shift 2
[[ -d $root ]] || die "no Debian in $root"
mkdir -p "$root$guest_checkout"
mount --bind "$checkout" "$root$guest_checkout"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmp "$root/tmp"
[[ -z ${BIND:-} ]] || mount --bind "$BIND" "$root/mnt"
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
	chroot "$root" env -C "$guest_checkout" "$@"

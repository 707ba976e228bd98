#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A process decides of strangers: who is let in, who is refused, who is not answered; what they say
# of themselves, and what they are told. A thousand at once, and no more than there is room for.
# clock: virtual
# timeout: 3000

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

user_space_peer 4
ns elsewhere
# Strangers come from all of these
ip -n right route add local 198.18.0.0/15 dev lo
ip -n left route add 198.18.0.0/15 via "${outer4[right]}"
# Each has a socket
ulimit -n 8192
as_peer authorizer.py

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The timers of the protocol, seen from the wire: retries, keepalives, rekeying, expiry, erasure.
# clock: virtual
# timeout: 6000

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

user_space_peer 4
as_peer timers.py

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What user space hears of peers unasked: their state and why, where they are, what they configure.
# clock: virtual
# timeout: 3000

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

user_space_peer 4
ns elsewhere
as_peer events.py

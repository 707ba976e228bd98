#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ECN across the tunnel as RFC 6040 says (normal mode), for all combinations of the two headers.
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

user_space_peer 4
as_peer ecn.py 4
as_peer ecn.py 6

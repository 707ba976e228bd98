#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The protocol in user space, which other stories use as a peer, against the published vectors.
# debug: yes
# suites: all

. "$(dirname "$0")/lib.sh"
. "$selftests/net.sh"

results vectors.py

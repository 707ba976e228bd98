#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As races.sh, on four CPUs.
# smp: 4
# timeout: 900

exec "$(dirname "$0")/races.sh"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The decisions of "up --stay", alone, on a made-up clock.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

check "it is compiled" gcc -Wall -Wextra -Werror -o "$tmp/machine" "$selftests/stay/machine.c" \
	"$selftests/../tools/stay.c"
results "$tmp/machine"

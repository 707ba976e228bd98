#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vm.sh: everything from a bare machine to a command in a guest; see boot.sh for the variables.
# Its exit status is the command's own (make turns any failure into 2).

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# By itself, so that a refusal ends this as well.
machine=$(machine)
"$checkout/selftests/vm/prepare.sh" "$machine"
exec "$checkout/selftests/vm/boot.sh"

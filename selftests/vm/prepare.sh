#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare.sh SUITE: make ready all that boot.sh needs. What is there already costs nothing.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

vm=$checkout/selftests/vm
suite=${1:?SUITE}
need_suite "$suite"

"$vm/host.sh"
"$vm/root.sh" "$suite"
"$vm/initrd.sh" "$suite"
"$vm/build.sh" "$suite"

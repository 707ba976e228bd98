#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare.sh MACHINE: make ready all that boot.sh needs. What is there already costs nothing.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

vm=$checkout/selftests/vm
machine=${1:?MACHINE}
need machine "$machine" "${all_machines[@]}"

"$vm/host.sh"
"$vm/root.sh" "$(suite_of "$machine")"
! is_kernel "$machine" || "$vm/kernel.sh" "$machine"
"$vm/initrd.sh" "$machine"
"$vm/build.sh" "$machine"

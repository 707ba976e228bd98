# SPDX-License-Identifier: GPL-2.0
SUITE ?= trixie
override CMD := $(value CMD)
export SUITE CMD

vm:
	@selftests/vm/vm.sh

.PHONY: vm

# SPDX-License-Identifier: GPL-2.0
SUITE ?= trixie
override CMD := $(value CMD)
export SUITE CMD

vm:
	@selftests/vm/host.sh
	@selftests/vm/root.sh $(SUITE)
	@selftests/vm/build.sh $(SUITE)
	@selftests/vm/boot.sh
.PHONY: vm

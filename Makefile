# SPDX-License-Identifier: GPL-2.0
# toyvpn: a kernel module and its tool. "make help" lists what can be made.

OUT ?= build
KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local

all: modules tools

help:
	@echo 'On the machine that is to use toyvpn:'
	@echo '  make                  module and tool, for the running kernel (KDIR=), into build/ (OUT=)'
	@echo '  make install          module, tool, manual page, completion (PREFIX=, DESTDIR=)'
	@echo '  make modules_install  the module alone (TOYVPN_KUNIT=y: with its KUnit suites, for a kernel that has KUnit)'
	@echo '  make clean'
	@echo 'In a virtual machine with the kernel of a Debian release, SUITE=bookworm, trixie (the default) or forky:'
	@echo '  make demo             the main job, to look at'
	@echo "  make check            the tests (TESTS='roaming rekey': some of them)"
	@echo '  make check-all        the tests, on the other releases those of their kernels (KERNEL=debug: some on that)'
	@echo "  make lint             what examines the sources (CHECKS='sparse fuzz': some of that)"
	@echo '  make fuzz-tool        toyvpnctl, with many texts made from selftests/fuzz/corpus (N= SEED= KEEP=yes)'
	@echo '  make debug-kernel     a kernel that looks for defects, used with KERNEL=debug in place of SUITE='
	@echo '  make kcsan-kernel     one that looks for data races: KERNEL=kcsan'
	@echo '  make fuzz             the module, with a million broken messages from a peer (N= SEED=)'
	@echo '  make flood            what a flood leaves of a tunnel, next to WireGuard'
	@echo "  make bench            what tunnels cost in instructions, side by side (WORKLOADS='bulk ping' TUNNELS=)"
	@echo '  make profile          what functions a workload goes to (WORKLOADS=bulk TUNNELS=toyvpn-aes)'
	@echo '  make bench-check      that ours cost no more than they did'
	@echo "  make vm CMD='...'     a command"
	@echo '  make shell            a shell'
	@echo '  make uapi             what is generated from uapi/toyvpn.yaml, again'
	@echo 'More for vm and shell: CLOCK=virtual SHARE=DIR SMP= MEM= CPU= APPEND= TIMEOUT= (selftests/vm/boot.sh)'

#
# Module and tool. The module is built in a copy of its sources, which keeps the tree clean and the
# objects of different kernels apart.
#

release = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
kbuild = $(MAKE) -C $(KDIR) M=$(abspath $(OUT))/module

# What the KUnit suites compare with, of the vectors; the rest needs no Python
vectors = $(OUT)/module/kmod/tests/vectors.h

$(vectors): kmod/tests/vectors.py selftests/vectors/protocol-v1.json selftests/vectors/noise-ikpsk2.json
	@mkdir -p $(@D)
	python3 $^ >$@.new
	mv $@.new $@

modules: $(KDIR)/Makefile $(if $(filter y,$(TOYVPN_KUNIT)),$(vectors))
	@mkdir -p $(OUT)/module
	cp -ru Kbuild kmod uapi $(OUT)/module
	+$(kbuild) modules

modules_install: modules
	+$(kbuild) INSTALL_MOD_PATH=$(DESTDIR) modules_install
	$(if $(DESTDIR),,depmod $(release))

$(KDIR)/Makefile:
	@echo "no kernel headers in $(KDIR): apt-get install linux-headers-$$(uname -r), or say KDIR=" >&2
	@false

tools:
	$(MAKE) -C tools O=$(abspath $(OUT))/tools

install: modules_install
	$(MAKE) -C tools O=$(abspath $(OUT))/tools PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) install

clean:
	rm -rf $(OUT)

#
# In a virtual machine. CMD goes as it was typed, with every $ in it.
#

override CMD := $(value CMD)
export SUITE KERNEL CMD CLOCK SHARE SMP MEM CPU APPEND TIMEOUT TESTS TUNNELS KEEP MIRROR

vm:
	$(if $(CMD),,$(error make vm needs CMD='...'; make shell is for typing))
	@selftests/vm/vm.sh

shell: override CMD :=
shell:
	@selftests/vm/vm.sh

demo: override CMD := selftests/demo.sh
demo:
	@selftests/vm/vm.sh

# For longer than check does, and other messages each time. BUSY: what it may take, in times of check's.
packets = $(or $(N),1000000)
packets_seed = $(or $(SEED),$(shell date +%s))

fuzz: override CMD := BUSY=$$(($(packets) / 100000 + 1)) FUZZ_MESSAGES=$(packets) FUZZ_SEED=$(packets_seed) \
	selftests/run.sh fuzz-packets
fuzz: export TIMEOUT := $(or $(TIMEOUT),86400)
fuzz:
	@selftests/vm/vm.sh

# What is generated from uapi/toyvpn.yaml, by the generator in forky's guest
uapi: override SUITE := forky
uapi: override KERNEL :=
uapi: override CMD := uapi/generate.sh build/uapi
uapi:
	@selftests/vm/vm.sh
	cp build/uapi/toyvpn.h uapi/linux/
	cp build/uapi/netlink-gen.[ch] kmod/

# Measured, not tested: the story of that name is in make check
flood: override CMD := selftests/bench/flood.sh
flood:
	@selftests/vm/vm.sh

# Side by side with other tunnels, on the virtual clock; see there
bench:
	@selftests/bench/run.sh $(WORKLOADS)

bench-check:
	@selftests/bench/run.sh check $(WORKLOADS)

profile:
	@selftests/bench/run.sh profile $(TUNNELS) $(WORKLOADS)

check:
	@selftests/vm/check.sh

check-all:
	@selftests/vm/check.sh $(KERNEL) trixie forky bookworm

lint:
	@selftests/vm/lint.sh $(CHECKS)

fuzz-tool:
	@selftests/fuzz/run.sh

debug-kernel kcsan-kernel: %-kernel:
	@selftests/vm/kernel.sh $*

.PHONY: all help modules modules_install tools install clean vm shell demo uapi fuzz flood bench \
	bench-check profile check check-all lint fuzz-tool debug-kernel kcsan-kernel

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# root.sh SUITE: make the guest's root of a Debian suite, if it is not there as this recipe wants it.
#
# In the folder that root_dir names are then:
#   root/       a small Debian: the chroot in which module and tool are built
#   root.img    the same as a file system image, which guests share read-only. An image and not a
#               folder over 9p: under emulation a guest that runs from 9p is several times slower
#   vmlinuz     the suite's own kernel, release its version
#   used        as old as the last use: what nobody used for two weeks is removed

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=selftests/vm/debootstrap.sh
. "$(dirname "${BASH_SOURCE[0]}")/debootstrap.sh"

suite=${1:?SUITE}
need suite "$suite" "${all_suites[@]}"

wanted=(
	linux-image-amd64 linux-headers-amd64 gcc make libc6-dev libelf-dev pkgconf xz-utils
	libmnl-dev libsodium-dev libjson-c-dev libnftables-dev libsqlite3-dev libsystemd-dev
	bash bash-completion busybox-static kmod procps jq less file
	iproute2 ethtool iperf3 iputils-ping iputils-tracepath ncat socat curl tcpdump
	nftables iptables conntrack wireguard-tools openvpn openssl
	dnsmasq-base nginx systemd-resolved sqlite3
	python3 python3-cryptography python3-yaml strace
)

# perf, for the profiles of make bench
bench_packages=(linux-perf)

# The kernel's generator of netlink code, for uapi/generate.sh: forky's, since older ones cannot do
# what ours needs. Of the sources just that is kept, in /usr/src/ynl.
generator_packages=(python3-jsonschema)
# shellcheck disable=SC2016
add_generator='chroot "$1" bash -euo pipefail -c '\''
	cd /tmp
	apt-get -q download "$(apt-cache depends linux-source | sed -n "s/.*Depends: //p")"
	mkdir -p /usr/src/ynl
	dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO --wildcards "./usr/src/*.tar.xz" |
		tar -xJ -C /usr/src/ynl --strip-components=1 --wildcards \
			"*/tools/net/ynl" "*/Documentation/netlink" "*/MAINTAINERS"
	rm linux-source-*.deb
'\'''

# systemd-resolved has its own resolvconf, for which openresolv's stands back: that is openresolv here,
# all else of it in its place. And resolv.conf is a file as before, not a link to what does not run.
# shellcheck disable=SC2016
add_openresolv='cp --remove-destination /etc/resolv.conf "$1/etc/resolv.conf" &&
	chroot "$1" bash -euo pipefail -c '\''
	cd /tmp
	apt-get -q download openresolv
	dpkg-deb --fsys-tarfile openresolv_*.deb |
		tar -x -C / --keep-directory-symlink --exclude "./usr/share/*" \
			--transform "flags=r;s|sbin/resolvconf$|sbin/openresolv|"
	rm openresolv_*.deb
	test -x /usr/sbin/openresolv
'\'''

# A guest has no such hardware; without these drivers its root is half the size.
unused_drivers=(accel ata atm bluetooth comedi firewire gpu hid hwmon i2c iio infiniband input isdn
	leds md media memstick message mfd misc mmc mtd nfc nvme parport pcmcia pinctrl platform power
	pwm scsi soundwire spi ssb staging target thunderbolt ufs usb vfio video w1 watchdog xen
	net/arcnet net/can net/ethernet net/fddi net/hamradio net/phy net/usb net/wireless net/wwan)

# Leave out the hardware, and store modules as they are: unpacking xz is slow under emulation.
trim_modules() {
	local root=$1/root release=$2
	local lib=$root/lib/modules/$release/kernel
	rm -rf "$lib/sound"
	(cd "$lib/drivers" && rm -rf "${unused_drivers[@]}")
	chroot "$root" find "${lib#"$root"}" -name '*.ko.xz' -exec unxz {} +
	chroot "$root" depmod "$release"
}

make_image() {
	local kib

	kib=$(du -sk "$1/root" | cut -f1)
	# Room for the file system's own tables; guests write into memory, never here.
	mke2fs -q -t ext4 -O ^has_journal -m 0 -N 60000 -d "$1/root" "$1/root.img" "$((kib * 5 / 4))k"
}

make_all() {
	local new=$1 release opts=("--customize-hook=$add_openresolv")

	if [[ $suite == forky ]]; then
		wanted+=("${bench_packages[@]}" "${generator_packages[@]}")
		opts+=("--customize-hook=$add_generator")
	fi
	debootstrap "$suite" "$new/root" "$(packages "${wanted[@]}")" "${opts[@]}"
	release=$(basename "$(ls -d "$new"/root/lib/modules/*)")
	echo "$release" >"$new/release"
	cp "$new/root/boot/vmlinuz-$release" "$new/vmlinuz"
	echo "I: kernel $release: trimming its modules and making its image"
	trim_modules "$new" "$release"
	mkdir "$new/root/$guest_checkout" "$new/root/share"
	make_image "$new"
}

cached "$suite" "$(root_dir "$suite")" "making the guest's root" make_all

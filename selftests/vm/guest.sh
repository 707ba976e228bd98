#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs in the guest, as process 1, after init: makes it a usable machine, runs what the host asked
# for and switches off. The kernel's command line names the folder of this run (guest.run=), in
# which boot.sh left the command; without one this is an interactive shell.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=${TERM:-linux}
unset BOOT_IMAGE

# param NAME: a word NAME=VALUE of the kernel's command line
param() {
	local word

	for word in $(</proc/cmdline); do
		[[ $word != "$1="* ]] || echo "${word#*=}"
	done
}

# port NAME: the device of one of the host's virtio serial ports. udev would link them by name.
port() {
	local dir

	for dir in /sys/class/virtio-ports/*; do
		[[ $(<"$dir/name") != "$1" ]] || echo "/dev/${dir##*/}"
	done
}

off() {
	busybox poweroff -f
}

mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir -p /dev/pts /dev/shm /dev/net /run/lock /run/netns
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
# tun is loaded when it is first opened, as on a machine with udev.
[[ -e /dev/net/tun ]] || mknod -m 666 /dev/net/tun c 10 200

hostname toyvpn
printf '127.0.0.1 localhost toyvpn\n::1 localhost toyvpn\n' >/etc/hosts
ip link set lo up

# The module and the tool as they are installed, built for this kernel.
build=/toyvpn/build/$(param guest.machine)
mkdir -p "/lib/modules/$(uname -r)"
[[ ! -d $build/modules ]] || cp -r "$build/modules/." "/lib/modules/$(uname -r)/"
[[ ! -d $build/install ]] || cp -r "$build/install/." /
if [[ " $(</proc/cmdline) " == *" guest.share "* ]]; then
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /share
fi
cd /toyvpn || off

run=$(param guest.run)
if [[ -z $run ]]; then
	read -r rows cols <<<"$(param guest.tty | tr x ' ')"
	[[ -z $cols ]] || stty rows "$rows" cols "$cols" </dev/ttyS0
	echo "toyvpn: $(param guest.machine), kernel $(uname -r); leave with exit"
	setsid --ctty bash -l </dev/ttyS0 >/dev/ttyS0 2>&1
	off
fi

exec 3>"$(port control)" || off
echo up >&3
# The command writes into pipes, because a serial port cannot be opened twice as /dev/stdout may be.
mkfifo /run/stdout /run/stderr
cat /run/stdout >"$(port stdout)" &
readers=" $! "
cat /run/stderr >"$(port stderr)" &
readers+=" $! "
setsid bash "$run/command" </dev/null >/run/stdout 2>/run/stderr 3>&-
status=$?
# What the command left running would hold the pipes open.
for dir in /proc/[0-9]*; do
	pid=${dir#/proc/}
	[[ $pid == "$$" || $readers == *" $pid "* || ! -s $dir/maps ]] || kill -9 "$pid"
done 2>/dev/null
wait
echo "exit $status" >&3
exec 3>&-
off

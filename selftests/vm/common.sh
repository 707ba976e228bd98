# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the host's scripts in this folder share: where things are, words to the user, logs.
# Source it; it sets strict mode.

set -euo pipefail
export LC_ALL=C.UTF-8

# checkout: the source tree. cache: what is made once a machine, outside of it.
# shellcheck disable=SC2034
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/toyvpn
all_suites=(bookworm trixie forky)
default_suite=trixie
all_kernels=(debug kcsan)
mkdir -p "$cache/log"

# Where the checkout is seen in a guest, and in the chroots that build for it.
# shellcheck disable=SC2034
guest_checkout=/toyvpn

# What can be booted, a machine: a Debian suite with its own kernel, or the default suite with one of
# the kernels that look for defects.
# shellcheck disable=SC2034
all_machines=("${all_suites[@]}" "${all_kernels[@]}")

# machine: the one that SUITE= and KERNEL= name
machine() {
	local suite=${SUITE:-$default_suite}

	need suite "$suite" "${all_suites[@]}"
	if [[ -n ${KERNEL:-} ]]; then
		need kernel "$KERNEL" "${all_kernels[@]}"
		[[ $suite == "$default_suite" ]] ||
			die "KERNEL=$KERNEL is made of $default_suite's sources, so SUITE=$suite cannot be"
	fi
	echo "${KERNEL:-$suite}"
}

# is_kernel MACHINE: whether it has a kernel that we build
is_kernel() {
	[[ " ${all_kernels[*]} " == *" $1 "* ]]
}

# suite_of MACHINE: which Debian its root is
suite_of() {
	if is_kernel "$1"; then
		echo "$default_suite"
	else
		echo "$1"
	fi
}

# recipe FILE...: a hash of these files of this folder. It is in the name of what they make, so that
# checkouts with different recipes do not make it in turns.
recipe() {
	(cd "$checkout/selftests/vm" && cat "$@") | sha256sum | cut -c -12
}

# root_dir MACHINE: where the guest's root is
root_dir() {
	local suite

	suite=$(suite_of "$1")
	echo "$cache/$suite-$(recipe root.sh debootstrap.sh)"
}

# workshop_dir: where the Debian is in which kernels are built and sources are examined
workshop_dir() {
	echo "$cache/workshop-$(recipe workshop.sh debootstrap.sh)"
}

# kernel_dir MACHINE: where its kernel is
kernel_dir() {
	if is_kernel "$1"; then
		echo "$cache/kernel-$1-$(recipe kernel.sh "kernel/guest.config" "kernel/$1.config")"
	else
		root_dir "$1"
	fi
}

# initrd MACHINE: the initramfs for it
initrd() {
	echo "$(kernel_dir "$1")/initrd-$(recipe initrd.sh init).img"
}

# say WORDS...: progress, on stderr because stdout belongs to the command in the guest
say() {
	echo "vm: $*" >&2
}

# die WORDS...: one clear line, exit status 1
die() {
	echo "vm: error: $*" >&2
	exit 1
}

# need KIND NAME CHOICE...: refuse a name that is not one of these
need() {
	local kind=$1 name=$2

	shift 2
	[[ " $* " == *" $name "* ]] || die "no $kind '$name': one of $*"
}

# debian_archive: the address of the Debian archive that this machine's apt uses, or MIRROR=
debian_archive() {
	local site=${MIRROR:-} try

	for try in 'apt-get -q update' false; do
		# shellcheck disable=SC2016
		[[ -n $site ]] || site=$(apt-get indextargets --format '$(SITE)' \
			'Created-By: Packages' 'Label: Debian' | head -n 1)
		# A machine that never updated its lists does not know their labels.
		[[ -n $site ]] || $try >&2 || die "apt knows no Debian archive here: say MIRROR=http://..."
	done
	echo "$site"
}

# need_root WHY
need_root() {
	((EUID == 0)) || die "$1 needs root"
}

# logged NAME CMD...: run CMD with its output in the log NAME. Lines that start with "I: " are shown
# as they come, to say what is being done; on failure the log's end.
logged() {
	local name=$1 rc
	local log=$cache/log/$name.log

	shift
	# Not "if" or "||": within these, CMD would go on after an error.
	set +e
	(
		set -e
		"$@"
	) 2>&1 </dev/null | tee "$log" | sed -un "s/^I: /vm: $name: /p" >&2
	rc=${PIPESTATUS[0]}
	set -e
	if ((rc)); then
		tail -n 20 "$log" >&2
		die "$name failed with status $rc; the whole log: $log"
	fi
}

# locked NAME CMD...: run CMD while holding the lock NAME, which concurrent runs wait for
locked() {
	local name=$1

	shift
	(
		if ! flock -n 9; then
			say "waiting for another run to finish with $name"
			flock 9
		fi
		"$@"
	) 9>"$cache/$name.lock"
}

# remove_unfinished DIR: what a run that was killed may have left, with the machine's own /proc and /sys
# mounted in it
remove_unfinished() {
	findmnt -rno TARGET | awk -v dir="$1/" 'index($0, dir) == 1' | tac | xargs -r umount
	rm -rf --one-file-system "$1"
}

# cached NAME DIR DOING CMD...: have the folder DIR in the cache. If it is not there, CMD fills a new
# folder, whose path follows as its last word; whole, that takes DIR's place: a run that is killed
# leaves nothing half-made. NAME is that of its log and its lock, and what its folders begin with.
cached() {
	locked "$1" have_cached "$@"
}

have_cached() {
	local name=$1 dir=$2 doing=$3 new=$cache/new-$1 used

	shift 3
	if [[ ! -e $dir ]]; then
		need_root "$doing"
		say "$name: $doing, which takes minutes (log: $cache/log/$name.log)"
		remove_unfinished "$new"
		mkdir "$new"
		logged "$name" "$@" "$new"
		mv "$new" "$dir"
		say "$name: $(du -sh "$dir" | cut -f1) in $dir"
		# What other recipes made, and nobody used for two weeks
		find "$cache" -maxdepth 2 -path "$cache/$name-*/used" -mtime +14 | while read -r used; do
			rm -rf "${used%/used}"
		done
	fi
	# As old as its last use
	touch "$dir/used"
}

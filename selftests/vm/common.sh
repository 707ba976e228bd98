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
mkdir -p "$cache/log"

# Where the checkout is seen in a guest, and in the chroot that builds for it.
# shellcheck disable=SC2034
guest_checkout=/toyvpn

# root_dir SUITE: where the guest's root of a suite is. The recipe's hash is in its name, so that
# checkouts with different recipes do not make it in turns.
root_dir() {
	local hash

	hash=$(sha256sum <"$checkout/selftests/vm/root.sh")
	echo "$cache/$1-${hash:0:12}"
}

# initrd SUITE: the initramfs for it
initrd() {
	local hash

	hash=$(cat "$checkout/selftests/vm/"{initrd.sh,init} | sha256sum)
	echo "$(root_dir "$1")/initrd-${hash:0:12}.img"
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

# need_suite NAME: refuse what is not one of ours
need_suite() {
	[[ " ${all_suites[*]} " == *" $1 "* ]] || die "no suite '$1': one of ${all_suites[*]}"
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

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [WORKLOAD...]: measure what tunnels cost, side by side in one guest, all workloads or those
# named. By the environment:
#   TUNNELS='wireguard esp'   these alone
#   CLOCK=real                seconds and not instructions, with so many processors as SMP= says; of
#                             use where the host has KVM
#   KEEP=yes                  keep the figures: figures.json here, and README.md's section
# build/bench then has what was measured (raw), figures.json and chart.svg.
#
# run.sh check [WORKLOAD...]: compare with the figures that are kept here.
# run.sh profile TUNNEL WORKLOAD: what functions the instructions go to, in build/bench/profile.
#
# The emulator counts: on the virtual clock an instruction takes a nanosecond, whatever the host does.
# Each byte of "rep movsb" would count as one, which is so on no processor: so the kernel is told not to
# use it, and not to clear what it allocates.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../vm/common.sh"

here=$checkout/selftests/bench
out=$checkout/build/bench
all_tunnels=(none wireguard ovpn esp esp-link toyvpn-aes toyvpn-chacha)
quick=(bulk udp-64 udp-1400 udp-64-burst udp-1400-burst ping request)
workloads=("${quick[@]}" card duplex handshake loss router peers scale cpus-2 cpus-4)
sizes=(1000 10000 100000)	# of scale
# Of cpus-2 and cpus-4, where seconds count: one after another and all again, since the host is now fast,
# now slow.
cpus_tunnels='none wireguard ovpn toyvpn-aes toyvpn-chacha'
cpus_rounds=5

# floor: the ns of the ciphers alone, for the packets of these workloads
floor() {
	local aead=/sys/module/toyvpn_bench/parameters/aead cipher bytes

	while read -r cipher algorithm; do
		for bytes in 53 84 1420; do
			echo "$algorithm $bytes" >"$aead"
			echo "floor $cipher $bytes $(<"$aead")"
		done
	done <<-'END'
		aes gcm(aes)
		chacha rfc7539(chacha20,poly1305)
	END
}

# story FILE WORDS...: what it measures; if it fails, what it said
story() {
	"$here/$1" "${@:2}" 3>&1 >"$log" 2>&1 || { cat "$log" && exit 1; }
}

# inside WORKLOAD...: runs in the guest. All is loaded first: a guest that waits for the host has its
# clock jump.
inside() {
	local tunnel round rounds=1 log=/tmp/log

	# A link of WireGuard has a thread for each peer.
	sysctl -qw kernel.threads-max=200000 kernel.pid_max=400000
	modprobe -a aesni-intel toyvpn_bench toyvpn wireguard ovpn esp4 xfrm_interface \
		sch_ingress sch_netem cls_matchall act_mirred ifb nf_tables nft_masq nft_chain_nat
	echo "kernel $(uname -r)"
	if [[ $* == scale ]]; then
		story scale.sh "$TUNNELS" "${sizes[@]}"
		return
	fi
	if [[ $* == cpus-* ]]; then
		rounds=$cpus_rounds
	else
		floor
	fi
	for ((round = 0; round < rounds; round++)); do
		for tunnel in ${TUNNELS:-${all_tunnels[@]}}; do
			story measure.sh "$tunnel" "$@"
		done
	done
}

# report WORDS...: by Python in the guest's root, which this machine need not have
report() {
	"$checkout/selftests/vm/enter.sh" "$(root_dir forky)/root" selftests/bench/report.py "$@"
}

# guest MEMORY TUNNELS WORKLOAD...: measure them in one guest; what comes of it is added to raw
guest() {
	local clock=${CLOCK:-virtual}

	say "forky: measuring ${*:3}"
	# At once: what fails says why in there.
	SUITE=forky KERNEL='' SMP=${SMP:-1} MEM=$1 CLOCK=$clock CPU=erms=off,fsrm=off \
		APPEND='init_on_alloc=0' \
		CMD="TUNNELS='$2' PROFILE='${PROFILE:-}' selftests/bench/run.sh inside ${*:3}" \
		"$checkout/selftests/vm/boot.sh" >>"$out/raw" || { cat "$out/raw" && exit 1; }
}

# measure WORKLOAD...
measure() {
	local single=() one

	mkdir -p "$out"
	: >"$out/raw"
	"$checkout/selftests/vm/prepare.sh" forky
	for one; do
		[[ $one == @(scale|cpus-*) ]] || single+=("$one")
	done
	((!${#single[@]})) || guest 4G "${TUNNELS:-}" "${single[@]}"
	for one; do
		[[ $one != cpus-* ]] || CLOCK=real SMP=${one#*-} guest 4G "${TUNNELS:-$cpus_tunnels}" "$one"
	done
	[[ " $* " == *" scale "* ]] || return 0
	# Each in a guest of its own: memory that one kept for later would be the other's. And a thread of
	# WireGuard's needs 30 KiB.
	for one in ${TUNNELS:-wireguard toyvpn-aes}; do
		[[ $one != @(wireguard|toyvpn-aes) ]] || guest 10G "$one" scale
	done
}

# of_choice CHOICES: what of the command line is to be done, all of it if nothing
of_choice() {
	local -n choices=$1
	local one

	shift
	(($#)) || set -- "${choices[@]}"
	for one; do
		need workload "$one" "${workloads[@]}"
	done
	measure "$@"
}

for one in ${TUNNELS:-}; do
	need tunnel "$one" "${all_tunnels[@]}"
done
case ${1:-} in
inside) inside "${@:2}" ;;
check)
	TUNNELS=${TUNNELS:-none wireguard toyvpn-aes toyvpn-chacha}
	of_choice quick "${@:2}"
	report check build/bench/raw selftests/bench/figures.json
	;;
profile)
	(($# == 3)) || die "profile wants a tunnel and a workload"
	need tunnel "$2" "${all_tunnels[@]}"
	PROFILE=$guest_checkout/build/bench/profile TUNNELS=$2
	of_choice workloads "$3"
	cat "$out/profile"
	;;
*)
	of_choice workloads "$@"
	report "$([[ ${CLOCK:-virtual} == real ]] && echo seconds || echo show)" build/bench/raw build/bench
	if [[ -n ${KEEP:-} ]]; then
		cp "$out/figures.json" "$here/"
		report readme selftests/bench/figures.json README.md
	fi
	;;
esac

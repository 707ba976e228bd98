#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# boot.sh: boot a guest and run a command in it. Everything comes by the environment:
#   SUITE=trixie   which Debian's root and kernel
#   KERNEL=debug   a kernel that looks for defects instead, or kcsan: one that looks for data races
#   CMD=...        the command, a bash script of any length; without one, an interactive shell
#   CLOCK=virtual  the guest's clock runs on when the guest has nothing to do
#   CLOCK=long     likewise, for hours: idle time costs the host even less, but waiting for the host (to
#                  read a program from its disk) may take seconds of the guest's clock
#   SMP= MEM=      processors and memory (MEM as QEMU's -m)
#   CPU=...        more of the emulated processor's properties, as QEMU's -cpu
#   APPEND=...     more of the kernel's command line
#   SHARE=DIR      one more folder of the host, at /share in the guest
#   TIMEOUT=3600   seconds until the guest is given up, BOOT_TIMEOUT=120 (of ours 300) until it has booted
# The command's stdout, stderr and exit status are passed on. Other failures exit with 125.

# shellcheck source=selftests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

machine=$(machine)
out=$checkout/build/$machine
clock=${CLOCK:-real}
smp=${SMP:-2}
accel=${ACCEL:-}

give_up() {
	say "error: $machine: $*"
	say "the console's last lines (all of it: $console):"
	tail -n 40 "$console" | tr -d '\r' >&2
	exit 125
}

# shellcheck disable=SC2317 # called by locked
# try_kvm: remember whether /dev/kvm boots a guest; there are machines on which it only hangs
try_kvm() {
	local answer=tcg

	[[ ! -e $kvm_answer ]] || return 0
	say "trying KVM, once (30 seconds at most)"
	if ACCEL=kvm KERNEL='' BOOT_TIMEOUT=30 TIMEOUT=30 CLOCK='' SMP=2 MEM='' APPEND='' SHARE='' CMD=true \
		"${BASH_SOURCE[0]}" >"$cache/log/kvm.log" 2>&1; then
		answer=kvm
	fi
	say "KVM $([[ $answer == kvm ]] && echo works || echo does not work: emulating the processor)"
	echo "$answer" >"$kvm_answer"
}

case $clock in
real)
	kvm_answer=$cache/kvm-$(uname -r)
	if [[ -z $accel && -w /dev/kvm ]]; then
		locked kvm try_kvm
		accel=$(<"$kvm_answer")
	fi
	;;
virtual | long) smp=1 accel=$clock ;;
*) die "no clock '$clock': real, virtual or long" ;;
esac
[[ -z ${SHARE:-} || -d $SHARE ]] || die "SHARE=$SHARE: no such folder"

readers=()
mkdir -p "$out"
run=$(mktemp -d "$out/run.XXXXXX")
console=$out/console.log
: >"$console"

# shellcheck disable=SC2317
end() {
	kill ${guest:+"$guest"} "${readers[@]}" 2>/dev/null || :
	rm -rf "$run"
	[[ -z ${tty:-} ]] || stty "$tty"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Emulated, a fifth level of page tables costs a sixth of all time.
cpu=max,la57=off${CPU:+,$CPU}
case ${accel:=tcg} in
kvm) hardware=(-accel kvm -cpu host) ;;
tcg) hardware=(-accel 'tcg,thread=multi' -cpu "$cpu") ;;
virtual) hardware=(-accel tcg -cpu "$cpu" -icount 'shift=0,sleep=off') ;;
# An emulated HPET ticks though nobody asked it to, and that is most of what idle time costs.
long) hardware=(-machine hpet=off -accel tcg -cpu "$cpu" -icount 'shift=0,sleep=off') ;;
esac

# What watches every byte needs bytes itself, and time.
memory=${MEM:-1G} boot_timeout=${BOOT_TIMEOUT:-120}
if is_kernel "$machine"; then
	memory=${MEM:-1536M} boot_timeout=${BOOT_TIMEOUT:-300}
fi

append="console=ttyS0 panic=-1 mitigations=off guest.machine=$machine"
# On a virtual clock the TSC cannot be wrong, and the kernel need not look twice a second.
[[ $clock == real ]] || append+=" tsc=reliable"
# The module's suites run when selftests/kunit.sh asks for them, not whenever it is loaded; and KASAN has more
# to say than its first report.
! is_kernel "$machine" || append+=" kunit.filter_glob=none kasan_multi_shot"
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none
	-machine q35 "${hardware[@]}" -smp "$smp" -m "$memory"
	-kernel "$(kernel_dir "$machine")/vmlinuz" -initrd "$(initrd "$machine")"
	-drive "file=$(root_dir "$machine")/root.img,format=raw,if=virtio,readonly=on"
	-virtfs "local,path=$checkout,mount_tag=checkout,security_model=none,multidevs=remap")
if [[ -n ${SHARE:-} ]]; then
	qemu+=(-virtfs "local,path=$SHARE,mount_tag=share,security_model=none,multidevs=remap")
	append+=" guest.share"
fi

if [[ -z ${CMD:-} ]]; then
	[[ -t 0 && -t 1 ]] || die "a shell needs a terminal"
	tty=$(stty -g)
	append+=" quiet guest.tty=$(stty size | tr ' ' x) TERM=${TERM:-linux} ${APPEND:-}"
	# Keys go to the guest, Ctrl-C too; Ctrl-] x switches the guest off.
	say "$machine: booting; leave with exit, or with Ctrl-] x if it hangs"
	"${qemu[@]}" -serial mon:stdio -echr 0x1d -append "$append"
	exit
fi

printf '%s\n' "$CMD" >"$run/command"
append+=" guest.run=$guest_checkout/${run#"$checkout/"} ${APPEND:-}"

# Three ports: the command's two streams, and control, on which the guest says "up" and "exit N".
# QEMU gets pipes: it opens by name, and would write over the start of a plain file behind our stdout.
mkfifo "$run/stdout" "$run/stderr"
cat "$run/stdout" &
readers=($!)
cat "$run/stderr" >&2 &
readers+=($!)
exec {control}< <(
	exec {up}>&1
	exec setpriv --pdeathsig KILL "${qemu[@]}" -serial "file:$console" -append "$append" \
		-device virtio-serial-pci \
		-chardev "file,id=control,path=/dev/fd/$up,append=on" \
		-device virtserialport,chardev=control,name=control \
		-chardev "file,id=stdout,path=$run/stdout" \
		-device virtserialport,chardev=stdout,name=stdout \
		-chardev "file,id=stderr,path=$run/stderr" \
		-device virtserialport,chardev=stderr,name=stderr \
		</dev/null >>"$console" 2>&1
)
guest=$!

# answer SECONDS DOING: the guest's next word on the control port, in the variable line
answer() {
	local rc=0

	read -r -t "$1" -u "$control" line || rc=$?
	((rc <= 128)) || give_up "$2: no word after $1 seconds"
	((rc == 0)) || give_up "$2: the guest died"
}

answer "$boot_timeout" "booting"
answer "${TIMEOUT:-3600}" "running the command"
wait "$guest" "${readers[@]}" || :
exit "${line#exit }"

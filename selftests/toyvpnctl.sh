#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every command of toyvpnctl, with good and bad input, on a real interface.
# timeout: 600

# shellcheck source=selftests/lib.sh
# shellcheck disable=SC2016 # of jq
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/net.sh
. "$selftests/net.sh"

# vpn WORDS...: toyvpnctl where the interface is
vpn() {
	on lone toyvpnctl "$@"
}

# as_nobody WORDS...: the same without any privilege
as_nobody() {
	on lone setpriv --reuid 65534 --regid 65534 --clear-groups toyvpnctl "$@"
}

# prints WORD VALUE: what "show vpn0 WORD" prints, tabs as blanks, is VALUE
prints() {
	local got

	got=$(vpn show vpn0 "$1" | tr '\t' ' ')
	[[ $got == "$2" ]] || {
		echo "show vpn0 $1 prints: $got"$'\n'"not: $2"
		return 1
	}
}

# sets WORD VALUE SHOWN: "set vpn0 WORD VALUE" makes "show vpn0 WORD" print SHOWN
sets() {
	vpn set vpn0 "$1" "$2"
	prints "$1" "$3"
}

# peer_sets WORD VALUE WORDS SHOWN: the same for a word of the peer
peer_sets() {
	vpn set vpn0 peer "$a" "$1" "$2"
	prints "$3" "$a $4"
}

# refuses TEXT WORDS...: toyvpnctl ends with 1 and one line with TEXT, and nothing has changed
refuses() {
	local text=$1 before line status=0

	shift
	before=$(vpn showconf vpn0)
	line=$(vpn "$@" 2>&1) || status=$?
	echo "$* ended with $status: $line"
	[[ $status == 1 && $line == toyvpnctl:*"$text"* && $line != *$'\n'* ]]
	[[ $(vpn showconf vpn0) == "$before" ]]
}

# conf LINES...: a configuration file
conf() {
	printf '%s\n' "$@" >"$tmp/conf"
}

# refuses_file TEXT LINES...: setconf, addconf and syncconf refuse such a file
refuses_file() {
	local text=$1 cmd

	shift
	conf "$@"
	for cmd in setconf addconf syncconf; do
		refuses "$text" "$cmd" vpn0 "$tmp/conf"
	done
}

# lacks TEXT CMD...: CMD succeeds, and what it prints does not have TEXT
lacks() {
	local text=$1 printed

	shift
	printed=$("$@" 2>&1)
	[[ $printed != *"$text"* ]]
}

is_key() {
	[[ $1 =~ ^[A-Za-z0-9+/]{43}=$ ]]
}

umask 077
ns lone
on lone ip link add vpn0 type toyvpn
on lone ip link set vpn0 up
own=$(toyvpnctl genkey)
echo "$own" >"$tmp/own.key"
own_public=$(toyvpnctl pubkey <"$tmp/own.key")
psk=$(toyvpnctl genpsk)
echo "$psk" >"$tmp/psk"
a=$(toyvpnctl genkey | toyvpnctl pubkey)
b=$(toyvpnctl genkey | toyvpnctl pubkey)
c=$(toyvpnctl genkey | toyvpnctl pubkey)
none='(none)'

#
# Keys
#

two_keys() {
	local one other

	one=$(toyvpnctl "$1") other=$(toyvpnctl "$1")
	is_key "$one"
	is_key "$other"
	[[ $one != "$other" ]]
}

agrees_with_wg() {
	local key

	for _ in {1..20}; do
		key=$(toyvpnctl genkey)
		[[ $(toyvpnctl pubkey <<<"$key") == "$(wg pubkey <<<"$key")" ]]
	done
}

# warns CMD MODE COUNT: so many warnings if the key goes to a file of that mode
warns() {
	: >"$tmp/out"
	chmod "$2" "$tmp/out"
	toyvpnctl "$1" >"$tmp/out" 2>"$tmp/err"
	is_key "$(<"$tmp/out")"
	[[ $(grep -c "^toyvpnctl: warning: " "$tmp/err") == "$3" && $(wc -l <"$tmp/err") == "$3" ]]
}

# refuses_key TEXT PRINTF-FORMAT
refuses_key() {
	local line status=0

	# shellcheck disable=SC2059
	line=$(printf "$2" | toyvpnctl pubkey 2>&1) || status=$?
	echo "$line"
	[[ $status == 1 && $line == toyvpnctl:*"$1"* && $line != *$'\n'* ]]
}

check "genkey prints new keys" two_keys genkey
check "genpsk prints new keys" two_keys genpsk
check "pubkey agrees with wg" agrees_with_wg
check_equal "pubkey needs no newline" "$own_public" "$(printf %s "$own" | toyvpnctl pubkey)"
check "pubkey refuses nothing" refuses_key empty ''
check "pubkey refuses two keys" refuses_key "more than one" "$own\n$own\n"
check "pubkey refuses a key after a blank" refuses_key "not hold a key" " $own\n"
check "pubkey refuses half a key" refuses_key "not hold a key" 'abc=\n'
check "pubkey refuses a key with loose ends" refuses_key "not hold a key" "${own%?=}B=\n"
for cmd in genkey genpsk; do
	check "$cmd warns if others can read" warns "$cmd" 644 1
	check "$cmd does not warn otherwise" warns "$cmd" 600 0
done
full() {
	local status=0

	toyvpnctl genkey >/dev/full 2>"$tmp/err" || status=$?
	[[ $status == 1 && $(<"$tmp/err") == *"No space left"* ]]
}
check "a full disk is an error" full
# closed WORDS...: it tells that there is no stdout, and writes nowhere else instead
closed() {
	local status=0

	on lone bash -c 'toyvpnctl "$@" >&-' - "$@" 2>"$tmp/err" || status=$?
	[[ $status == 1 && $(<"$tmp/err") == *"Bad file descriptor"* ]]
}
check "genkey: a closed stdout is an error" closed genkey
check "show: a closed stdout is an error" closed show

#
# version, help, what is no command
#

helps() {
	local cmd

	for cmd in show showconf set setconf addconf syncconf genkey genpsk pubkey up down reload \
		status monitor serve user client lease version help; do
		toyvpnctl help "$cmd" | grep -q "^usage: toyvpnctl $cmd"
		[[ $(toyvpnctl help "$cmd") == "$(toyvpnctl "$cmd" --help)" ]]
		toyvpnctl help | grep -q "^  $cmd "
	done
	[[ $(toyvpnctl help) == "$(toyvpnctl --help)" ]]
}

check "version" grep -q '^toyvpnctl [0-9]' <(toyvpnctl version)
check_equal "--version" "$(toyvpnctl version)" "$(toyvpnctl --version)"
check "help for each command" helps
check "an unknown command" refuses "'shwo' is not a command" shwo
check "help for an unknown command" refuses "'shwo' is not a command" help shwo
check "one line also of what has several" refuses "'a?b?[31m' is not a command" $'a\nb\e[31m'
for words in "genkey x" "genpsk x" "pubkey x" "version x" "help show x" "show vpn0 peers x" \
	"show interfaces peers" "showconf" "showconf vpn0 x" "set" "set vpn0" "setconf vpn0" \
	"setconf vpn0 x y" "addconf" "syncconf vpn0" "up" "down" "reload x y" "serve" "lease"; do
	# shellcheck disable=SC2086
	check "too few or too many words: $words" refuses "this is toyvpnctl ${words%% *}" $words
done

#
# The program that toyvpnctl becomes for commands of whole tunnels
#

# light: the others are not slowed down by what only tunnels need
light() {
	! ldd "$(type -P toyvpnctl)" | grep -e libnftables -e libsqlite3 -e libsystemd
}
check "few libraries" light
mkdir -p "$tmp/copy/bin"
cp "$(type -P toyvpnctl)" "$tmp/copy/bin"
check_refused "without that program" \
	"up needs $tmp/copy/libexec/toyvpn/toyvpn-tunnel: No such file" "$tmp/copy/bin/toyvpnctl" up home
check "but for its commands, all is well" "$tmp/copy/bin/toyvpnctl" version
cp "$(type -P toyvpnctl | xargs dirname)/../libexec/toyvpn/toyvpn-tunnel" "$tmp/copy/bin"
check_refused "with it in the same folder" "this is toyvpnctl up" "$tmp/copy/bin/toyvpnctl" up

#
# set: the interface
#

check "listen-port" sets listen-port 51820 51820
check "fwmark" sets fwmark 51 0x33
check "fwmark in hexadecimal" sets fwmark 0xffffffff 0xffffffff
check "fwmark off" sets fwmark off off
check "a fwmark of 0 is off" sets fwmark 0 off
check "no private key" prints private-key "$none"
check "no public key" prints public-key "$none"
check "private-key" sets private-key "$tmp/own.key" "$own"
check_equal "public-key" "$own_public" "$(vpn show vpn0 public-key)"
removes_key() {
	sets private-key "$1" "$none"
	prints public-key "$none"
	sets private-key <(printf '%s' "$own") "$own"
}
: >"$tmp/empty"
check "private-key of /dev/null removes it" removes_key /dev/null
check "private-key of an empty file removes it" removes_key "$tmp/empty"
all_ciphers() {
	prints ciphers aes-256-gcm,chacha20-poly1305 || prints ciphers chacha20-poly1305,aes-256-gcm
}
check "a new interface has all ciphers" all_ciphers
default_ciphers=$(vpn show vpn0 ciphers)
check "ciphers" sets ciphers chacha20-poly1305,aes-256-gcm chacha20-poly1305,aes-256-gcm
check "one cipher" sets ciphers chacha20-poly1305 chacha20-poly1305
check "ciphers default" sets ciphers default "$default_ciphers"
chosen_port() {
	vpn set vpn0 listen-port 0
	(($(vpn show vpn0 listen-port) > 0))
	vpn set vpn0 listen-port 51820
}
check "listen-port 0 chooses one" chosen_port
several() {
	vpn set vpn0 listen-port 4444 fwmark 7 ciphers aes-256-gcm private-key "$tmp/own.key"
	prints listen-port 4444
	prints fwmark 0x7
	prints ciphers aes-256-gcm
	vpn set vpn0 listen-port 51820 fwmark 0 ciphers default
}
check "several words at once" several

check "a port that is none" refuses "listen-port: '65536'" set vpn0 listen-port 65536
check "a negative port" refuses "listen-port: '-1'" set vpn0 listen-port -1
check "a mark that is none" refuses "fwmark: '0xfffffffff'" set vpn0 fwmark 0xfffffffff
check "a mark that is a word" refuses "fwmark: 'on'" set vpn0 fwmark on
for mark in 0x 0x0x1 0x-1 +1 ''; do
	check "a mark that is no number: '$mark'" refuses "fwmark: '$mark'" set vpn0 fwmark "$mark"
done
check "a key file that is not there" refuses "private-key: $tmp/no: No such file" \
	set vpn0 private-key "$tmp/no"
check "a key file that is a folder" refuses "Is a directory" set vpn0 private-key "$tmp"
check "a key file with two keys" refuses "more than one" \
	set vpn0 private-key <(echo "$own"; echo "$psk")
check "a key file with something else" refuses "not hold a key" set vpn0 private-key <(echo x)
check "a key instead of its file" refuses "not the key itself" set vpn0 private-key "$own"
not_repeated() {
	local line

	line=$(vpn set vpn0 private-key "$own" 2>&1) || :
	[[ $line == toyvpnctl:* && $line != *"$own"* ]]
}
check "which is not repeated" not_repeated
check "a cipher that is none" refuses "ciphers: 'rot13'" set vpn0 ciphers aes-256-gcm,rot13
check "a cipher twice" refuses "there twice" set vpn0 ciphers aes-256-gcm,aes-256-gcm
check "an empty list of ciphers" refuses "ciphers: ''" set vpn0 ciphers ''
check "an unknown word" refuses "'port' is not a word of set" set vpn0 port 1
check "a word without a value" refuses "listen-port: what" set vpn0 fwmark 1 listen-port
check "a good word before a bad one" refuses "fwmark: 'x'" set vpn0 listen-port 1111 fwmark x
check "an interface that is not there" refuses "vpn9: no such network interface" \
	set vpn9 fwmark 1
check "an interface with an impossible name" refuses "no such network interface" \
	set 'a/b c very long name' fwmark 1
check "an interface of another kind" refuses "lo: not a toyvpn interface" set lo fwmark 1

#
# set: peers
#

makes_peer() {
	vpn set vpn0 peer "$a"
	prints peers "$a"
	prints dump "$own $own_public 51820 off"$'\n'"$a $none $none $none 0 0 0 off"
}
check "a new peer" makes_peer
check "preshared-key" peer_sets preshared-key "$tmp/psk" preshared-keys "$psk"
check "preshared-key of /dev/null" peer_sets preshared-key /dev/null preshared-keys "$none"
check "an IPv4 endpoint" peer_sets endpoint 192.0.2.9:5 endpoints 192.0.2.9:5
check "an IPv6 endpoint" peer_sets endpoint '[2001:DB8:0::9]:65535' endpoints '[2001:db8::9]:65535'
check "an endpoint with a scope" peer_sets endpoint '[fe80::1%lo]:7' endpoints '[fe80::1%lo]:7'
named() {
	vpn set vpn0 peer "$a" endpoint localhost:9
	[[ $(vpn show vpn0 endpoints) == "$a"$'\t'@(127.0.0.1|\[::1\]):9 ]]
}
check "an endpoint by name" named
check "persistent-keepalive" peer_sets persistent-keepalive 25 persistent-keepalive 25
check "persistent-keepalive off" peer_sets persistent-keepalive off persistent-keepalive off
check "persistent-keepalive 65535" peer_sets persistent-keepalive 65535 persistent-keepalive 65535
check "persistent-keepalive 0" peer_sets persistent-keepalive 0 persistent-keepalive off

# has_ips KEY IP...: these are the peer's allowed IPs, in any order
has_ips() {
	local key=$1 got

	shift
	got=$(vpn show vpn0 allowed-ips | grep -F "$key" | cut -f2 | tr ' ' '\n' | sort)
	[[ $got == "$(printf '%s\n' "$@" | sort)" ]] || {
		echo "$key has $got"
		return 1
	}
}
# ips LIST IP...: "allowed-ips LIST" makes these the peer's
ips() {
	vpn set vpn0 peer "$a" allowed-ips "$1"
	shift
	has_ips "$a" "$@"
}
check "allowed-ips" ips 10.1.0.0/16,fd01::/64 10.1.0.0/16 fd01::/64
check "blanks after commas" ips "10.1.0.0/16, fd01::/64" 10.1.0.0/16 fd01::/64
check "a list replaces" ips 10.2.0.0/16 10.2.0.0/16
check "+ adds" ips +10.3.0.0/16,+fd03::/48 10.2.0.0/16 10.3.0.0/16 fd03::/48
check "- removes" ips -10.2.0.0/16 10.3.0.0/16 fd03::/48
check "- of what is not there" ips -10.99.0.0/16 10.3.0.0/16 fd03::/48
check "+ and - at once" ips +10.4.0.0/16,-10.3.0.0/16 10.4.0.0/16 fd03::/48
check "one + is enough to replace nothing" ips +10.5.0.0/16,10.6.0.0/16 \
	10.4.0.0/16 10.5.0.0/16 10.6.0.0/16 fd03::/48
check "an address is a network of one" ips 10.1.1.1,fd01::1 10.1.1.1/32 fd01::1/128
check "host bits are cleared" ips 10.1.2.3/20,fd01::ffff/127 10.1.0.0/20 fd01::fffe/127
check "everything" ips 0.0.0.0/0,::/0 0.0.0.0/0 ::/0
check "the same twice" ips 10.1.0.0/16,10.1.0.0/16 10.1.0.0/16
check "an empty list removes all" ips "" "$none"

moves() {
	vpn set vpn0 peer "$a" allowed-ips 10.1.0.0/16,10.2.0.0/16 peer "$b" allowed-ips 10.1.0.0/16
	has_ips "$a" 10.2.0.0/16
	has_ips "$b" 10.1.0.0/16
}
check "who names an address last has it" moves
own_left_out() {
	vpn set vpn0 peer "$own_public" allowed-ips 10.7.0.0/16 peer "$b" persistent-keepalive 3
	lacks "$own_public" vpn show vpn0 peers
	vpn show vpn0 persistent-keepalive | grep -F "$b"$'\t3'
}
check "a peer with one's own key is left out" own_left_out
own_not_resolved() {
	TOYVPN_ENDPOINT_RESOLUTION_RETRIES=0 vpn set vpn0 \
		peer "$own_public" endpoint vpn.example.net:1 peer "$b" persistent-keepalive 4
	lacks "$own_public" vpn show vpn0 peers
	conf "[Peer]" "PublicKey=$own_public" "Endpoint=vpn.example.net:1"
	TOYVPN_ENDPOINT_RESOLUTION_RETRIES=0 vpn addconf vpn0 "$tmp/conf"
	lacks "$own_public" vpn show vpn0 peers
}
check "wherever its endpoint is" own_not_resolved
twice() {
	vpn set vpn0 peer "$b" persistent-keepalive 7 allowed-ips 10.8.0.0/16 \
		peer "$b" allowed-ips +10.9.0.0/16 endpoint 192.0.2.1:1
	has_ips "$b" 10.8.0.0/16 10.9.0.0/16
	vpn show vpn0 endpoints | grep -F "$b"$'\t192.0.2.1:1'
	vpn show vpn0 persistent-keepalive | grep -F "$b"$'\t7'
}
check "a peer twice: one after the other" twice
removes() {
	vpn set vpn0 peer "$b" remove
	prints peers "$a"
	vpn set vpn0 peer "$b" remove
}
check "remove, also what is not there" removes
again() {
	vpn set vpn0 peer "$a" remove peer "$a" allowed-ips 10.1.0.0/16
	prints dump "$own $own_public 51820 off"$'\n'"$a $none $none 10.1.0.0/16 0 0 0 off"
}
check "remove and make again" again

check "a peer's key that is none" refuses "peer: 'abc'" set vpn0 peer abc
check "a peer's key that is too long" refuses "peer: '${a}A'" set vpn0 peer "${a}A"
check "no key" refuses "peer: what" set vpn0 peer
check "a word of a peer without a peer" refuses "stand after peer" set vpn0 endpoint 192.0.2.1:1
check "a word of the interface after a peer" refuses "before the first peer" \
	set vpn0 peer "$a" listen-port 1
for list in 10.0.0.0/33 fd00::/129 10.0.0 10.0.0.0/ 10.0.0.0/8/8 10.0.0.0/+8 10.0.0.0/0x8 example.net + ","; do
	check "allowed-ips $list" refuses "allowed-ips: " set vpn0 peer "$a" allowed-ips "$list"
done
for end in 192.0.2.1 192.0.2.1: 192.0.2.1:0 192.0.2.1:65536 :5 '[fd00::1]' 'fd00::1:5' '[fd00::1:5' \
	'[192.0.2.1]x:5' '192.0.2.1:http'; do
	check "endpoint $end" refuses "endpoint: '$end'" set vpn0 peer "$a" endpoint "$end"
done
for seconds in 65536 -1 0x10 x 1s; do
	check "persistent-keepalive $seconds" refuses "persistent-keepalive: '$seconds'" \
		set vpn0 peer "$a" persistent-keepalive "$seconds"
done
check "a good peer before a bad one" refuses "allowed-ips: 'x'" \
	set vpn0 listen-port 1 peer "$b" allowed-ips 10.1.0.0/16 peer "$a" allowed-ips x
check "a scope that is not there" refuses "endpoint: " set vpn0 peer "$a" endpoint '[fe80::1%no]:1'

# No name service answers in this namespace.
retries() {
	local line status=0

	line=$(TOYVPN_ENDPOINT_RESOLUTION_RETRIES=$1 vpn set vpn0 peer "$a" \
		endpoint vpn.example.net:1 2>&1) || status=$?
	echo "$line"
	[[ $status == 1 && $(grep -c "next try in" <<<"$line") == "$1" ]]
	[[ $(tail -n 1 <<<"$line") == *"endpoint: 'vpn.example.net': "* ]]
}
check "a name that cannot be resolved" retries 0
check "it is tried again" retries 1
spawn ip netns exec lone ncat -u -l 127.0.0.1 6666
wait_for 10 on lone grep -q "0100007F:$(printf %X 6666) " /proc/net/udp
check "a port that is in use" refuses "the UDP port is in use" set vpn0 listen-port 6666

#
# show
#

on lone ip link add vpn1 type toyvpn
vpn set vpn0 fwmark 0x10 peer "$a" preshared-key "$tmp/psk" endpoint 192.0.2.1:1 \
	allowed-ips 10.1.0.0/16,fd01::/64 persistent-keepalive 5
check_equal "show interfaces" $'vpn0\nvpn1' "$(vpn show interfaces | sort)"
prefixed() {
	local word

	for word in public-key private-key listen-port fwmark ciphers peers preshared-keys endpoints \
		allowed-ips latest-handshakes persistent-keepalive states dump; do
		[[ $(vpn show all "$word" | grep ^vpn0) == "$(vpn show vpn0 "$word" | sed $'s/^/vpn0\t/')" ]]
		[[ $(vpn show all "$word" | grep ^vpn1) == "$(vpn show vpn1 "$word" | sed $'s/^/vpn1\t/')" ]]
	done
}
check "show all: an interface's name before each line" prefixed
for words in "show" "" "show all"; do
	# shellcheck disable=SC2086
	check_equal "toyvpnctl $words" "$(vpn show vpn0 && echo && vpn show vpn1)" "$(vpn $words)"
done
check "an unknown word of show" refuses "'peer' is not a word of show" show vpn0 peer
check "show of what is not there" refuses "vpn9: no such network interface" show vpn9
check "show of another kind" refuses "lo: not a toyvpn interface" show lo peers
check "showconf of what is not there" refuses "vpn9: no such network interface" showconf vpn9

people() {
	vpn show vpn0 >"$tmp/shown"
	cat "$tmp/shown"
	grep -q "^interface: vpn0$" "$tmp/shown"
	grep -q "^  private key: (hidden)$" "$tmp/shown"
	grep -q "^  preshared key: (hidden)$" "$tmp/shown"
	grep -qF "  public key: $own_public" "$tmp/shown"
	grep -qF "peer: $a" "$tmp/shown"
	grep -q "^  listening port: 51820$" "$tmp/shown"
	grep -q "^  fwmark: 0x10$" "$tmp/shown"
	grep -q "^  ciphers: ${default_ciphers/,/, }$" "$tmp/shown"
	grep -qE "^  allowed ips: (10.1.0.0/16, fd01::/64|fd01::/64, 10.1.0.0/16)$" "$tmp/shown"
	grep -q "^  endpoint: 192.0.2.1:1$" "$tmp/shown"
	grep -qE "^  state: (dis|re)?connect(ed|ing)$" "$tmp/shown"
	grep -q "^  persistent keepalive: every 5 seconds$" "$tmp/shown"
	lacks "$own" cat "$tmp/shown"
	lacks "$psk" cat "$tmp/shown"
	TOYVPN_HIDE_KEYS=never vpn show vpn0 | grep -qF "  private key: $own"
	TOYVPN_HIDE_KEYS=never vpn show vpn0 | grep -qF "  preshared key: $psk"
}
check "show for people" people
colours() {
	local escape=$'\033' terminal=(script -qec 'ip netns exec lone toyvpnctl' /dev/null)

	lacks "$escape" vpn show
	# Not into grep -q, which may close the pipe before all is written
	[[ $(TOYVPN_COLOR_MODE=always vpn show) == *"$escape"* ]]
	[[ $("${terminal[@]}") == *"$escape"* ]]
	lacks "$escape" env NO_COLOR=1 "${terminal[@]}"
	lacks "$escape" env TOYVPN_COLOR_MODE=never "${terminal[@]}"
}
check "colours on a terminal only" colours

# json FILTER WORDS...: what toyvpnctl prints with --json passes a filter of jq
json() {
	local filter=$1

	shift
	vpn "$@" --json >"$tmp/json"
	cat "$tmp/json"
	jq -e --arg a "$a" --arg own "$own" --arg public "$own_public" --arg psk "$psk" \
		--arg ciphers "$default_ciphers" "$filter" "$tmp/json"
}
check "show --json" json 'map(.interface) | sort == ["vpn0", "vpn1"]' show
check "show vpn0 --json" json 'length == 1 and (.[0] | .interface == "vpn0" and
	.public_key == $public and .listen_port == 51820 and .fwmark == 16 and
	.ciphers == ($ciphers | split(",")) and (.peers | length == 1) and
	(.peers[0] | .public_key == $a and .endpoint == "192.0.2.1:1" and
	(.allowed_ips | sort) == ["10.1.0.0/16", "fd01::/64"] and .persistent_keepalive == 5 and
	.rx_bytes == 0 and .latest_handshake == 0 and .cipher == "none" and
	(.state | type) == "string" and (.reason | type) == "string"))' show vpn0
check "without secrets" json '[.. | strings] | contains([$own]) or contains([$psk]) | not' show vpn0
check "dump --json has them" json '.[0].private_key == $own and
	.[0].peers[0].preshared_key == $psk' show vpn0 dump
check "showconf --json has them" json '.private_key == $own and .peers[0].preshared_key == $psk and
	.interface == "vpn0" and (has("state") | not)' showconf vpn0
check "show interfaces --json" json 'sort == ["vpn0", "vpn1"]' show interfaces
check "one field of the interface" json '. == [{ interface: "vpn0", fwmark: 16 }]' show vpn0 fwmark
check "one field of the peers" json '. == [{ interface: "vpn0", peers: [{ public_key: $a,
	persistent_keepalive: 5 }] }]' show vpn0 persistent-keepalive
check "peers --json" json '. == [{ interface: "vpn0", peers: [{ public_key: $a }] }]' show vpn0 peers
check "what is not set is null" json '.[0] | .public_key == null and .peers == []' show vpn1

nobody() {
	as_nobody show vpn0 | grep -q "^  private key: (hidden)$"
	[[ $(as_nobody show vpn0 endpoints) == "$(vpn show vpn0 endpoints)" ]]
	[[ $(as_nobody show vpn0 public-key) == "$own_public" ]]
}
# nobody_may TEXT WORDS...
nobody_may_not() {
	local before line status=0

	before=$(vpn showconf vpn0)
	line=$(as_nobody "$@" 2>&1) || status=$?
	echo "$line"
	[[ $status == 1 && $line == toyvpnctl:*"only root"* && $line != *$'\n'* ]]
	[[ $(vpn showconf vpn0) == "$before" ]]
}
check "everybody may look" nobody
for words in "show vpn0 private-key" "show vpn0 preshared-keys" "show vpn0 dump" "showconf vpn0" \
	"show vpn0 dump --json"; do
	# shellcheck disable=SC2086
	check "not everybody: $words" nobody_may_not $words
done
hidden_psk() {
	vpn set vpn0 private-key /dev/null
	nobody_may_not show vpn0 preshared-keys
	nobody_may_not showconf vpn0
	vpn showconf vpn0 | grep -v PresharedKey >"$tmp/conf"
	# Nobody may read it, and knows its name.
	chmod 644 "$tmp/conf"
	chmod 711 "$tmp"
	nobody_may_not syncconf vpn0 "$tmp/conf"
}
check "not even where there is no private key" hidden_psk
vpn set vpn0 private-key "$tmp/own.key"
check "not everybody: set" nobody_may_not set vpn0 fwmark 3
check "not everybody: set of a peer" nobody_may_not set vpn0 peer "$b"
check "not everybody: remove" nobody_may_not set vpn0 peer "$a" remove

#
# Files
#

# conf_of INTERFACE: its configuration, in an order of its own, without the port
conf_of() {
	vpn showconf "$1" --json | jq -S 'del(.interface, .listen_port) |
		.peers |= (sort_by(.public_key) | map(.allowed_ips |= sort))'
}
# round_trip CMD: vpn1 becomes what vpn0 is
round_trip() {
	vpn set vpn0 ciphers chacha20-poly1305 peer "$b" endpoint '[2001:db8::1]:2' allowed-ips ::/0
	vpn showconf vpn0 | grep -v ListenPort >"$tmp/conf"
	vpn "$1" vpn1 "$tmp/conf"
	conf_of vpn0 >"$tmp/wanted"
	conf_of vpn1 | diff "$tmp/wanted" -
	[[ $(jq ".peers | length" "$tmp/wanted") -ge 2 ]]
}
# with_more CMD: the same, while vpn1 has something else
with_more() {
	vpn set vpn1 fwmark 0x99 peer "$a" allowed-ips 10.77.0.0/16 persistent-keepalive 99 \
		peer "$c" allowed-ips 10.78.0.0/16
	round_trip "$1"
}
for cmd in setconf syncconf; do
	on lone ip link del vpn1
	on lone ip link add vpn1 type toyvpn
	check "showconf, then $cmd" round_trip "$cmd"
	check "once more" round_trip "$cmd"
	check "$cmd undoes what is not in the file" with_more "$cmd"
done
on lone ip link del vpn1
on lone ip link add vpn1 type toyvpn
check "showconf, then addconf" round_trip addconf
on lone ip link del vpn1

file_forms() {
	printf '%s\r\n' "  [interface] # comment" "privatekey=$own" "LISTENPORT = 51820" "" \
		"# [Peer]" "[PEER]" "PublicKey=$a#" "AllowedIPs = 10.1.0.0/16 , 10.2.0.0/16" \
		"AllowedIPs=" "allowedips=fd01::1" "PersistentKeepalive = off" >"$tmp/conf"
	vpn setconf vpn0 "$tmp/conf"
	prints peers "$a"
	prints endpoints "$a $none"
	prints persistent-keepalive "$a off"
	prints private-key "$own"
	prints listen-port 51820
	prints fwmark off
	all_ciphers
	has_ips "$a" 10.1.0.0/16 10.2.0.0/16 fd01::1/128
}
check "setconf: what is not in the file is gone; blanks, cases, comments" file_forms
keeps_ciphers() {
	vpn set vpn0 ciphers "$2"
	vpn "$1" vpn0 "$tmp/conf"
	prints ciphers "$3"
}
for cmd in setconf syncconf; do
	for list in chacha20-poly1305 chacha20-poly1305,aes-256-gcm aes-256-gcm,chacha20-poly1305; do
		check "$cmd without ciphers: the default again, after $list" keeps_ciphers "$cmd" \
			"$list" "$default_ciphers"
	done
done
for list in aes-256-gcm default; do
	check "addconf without ciphers leaves $list" keeps_ciphers addconf "$list" \
		"${list/default/$default_ciphers}"
done
from_pipe() {
	vpn setconf vpn0 <(printf '[Interface]\nPrivateKey=%s\nListenPort=51820\n' "$own")
	prints dump "$own $own_public 51820 off"
}
check "setconf from a pipe" from_pipe
# keyless CMD: the file has no private key, so the key that was there is not the interface's own
keyless() {
	vpn set vpn0 private-key "$tmp/own.key"
	conf "[Interface]" "ListenPort=51820" "[Peer]" "PublicKey=$own_public" "AllowedIPs=10.7.0.0/16"
	vpn "$1" vpn0 "$tmp/conf"
	prints private-key "$none"
	prints peers "$own_public"
	vpn set vpn0 private-key "$tmp/own.key"
	prints peers ""
}
for cmd in setconf syncconf; do
	check "$cmd without a private key: no peer has it" keyless "$cmd"
done
adds() {
	vpn set vpn0 peer "$a" persistent-keepalive 5 preshared-key "$tmp/psk" \
		allowed-ips 10.1.0.0/16 endpoint 192.0.2.1:1
	conf "[Interface]" "FwMark=0x20" "[Peer]" "PublicKey=$b" "AllowedIPs=10.2.0.0/16" \
		"[Peer]" "PublicKey=$a" "PersistentKeepalive=9" "[Peer]" "PublicKey=$own_public"
	vpn addconf vpn0 "$tmp/conf"
	prints fwmark 0x20
	prints private-key "$own"
	prints listen-port 51820
	[[ $(vpn show vpn0 peers | wc -l) == 2 ]]
	has_ips "$a" 10.1.0.0/16
	has_ips "$b" 10.2.0.0/16
	vpn show vpn0 preshared-keys | grep -F "$a"$'\t'"$psk"
	vpn show vpn0 endpoints | grep -F "$a"$'\t192.0.2.1:1'
	vpn show vpn0 persistent-keepalive | grep -F "$a"$'\t9'
}
check "addconf changes what it names" adds
# sharing CMD: both peers name 10.2.0.0/16
sharing() {
	conf "[Interface]" "PrivateKey=$own" "ListenPort=51820" "[Peer]" "PublicKey=$a" \
		"AllowedIPs=10.1.0.0/16,10.2.0.0/16" "[Peer]" "PublicKey=$b" "AllowedIPs=10.2.0.0/16"
	for _ in 1 2; do
		vpn "$1" vpn0 "$tmp/conf"
		has_ips "$a" 10.1.0.0/16
		has_ips "$b" 10.2.0.0/16
	done
}
# swapping CMD: what a has goes to b, and the other way round
swapping() {
	conf "[Interface]" "PrivateKey=$own" "ListenPort=51820" "[Peer]" "PublicKey=$a" \
		"AllowedIPs=10.2.0.0/16" "[Peer]" "PublicKey=$b" "AllowedIPs=10.1.0.0/16"
	vpn "$1" vpn0 "$tmp/conf"
	has_ips "$a" 10.2.0.0/16
	has_ips "$b" 10.1.0.0/16
}
for cmd in setconf syncconf addconf; do
	check "$cmd: an address of two peers is the last one's" sharing "$cmd"
	check "$cmd: two peers swap addresses" swapping "$cmd"
done

check "a file that is not there" refuses "$tmp/no: No such file" setconf vpn0 "$tmp/no"
check "a file that is a folder" refuses "Is a directory" setconf vpn0 "$tmp"
check "a file with a strange name" refuses "/a?b: No such file" setconf vpn0 "$tmp"/$'a\nb'
check "a program as a file" refuses ":1: a zero byte" setconf vpn0 /bin/true
check "an unknown section" refuses_file "conf:1: '[Foo]'" "[Foo]"
check "a key before any section" refuses_file "conf:1: ListenPort stands before" "ListenPort=1"
check "an unknown key" refuses_file "conf:2: Address is not a key of [Interface]" \
	"[Interface]" "Address = 10.0.0.1"
check "a key of the other section" refuses_file "conf:2: Endpoint is not a key of [Interface]" \
	"[Interface]" "Endpoint = 192.0.2.1:1"
check "no value" refuses_file "conf:2: ListenPort: ''" "[Interface]" "ListenPort ="
check "no equals sign" refuses_file "conf:2: this is neither" "[Interface]" "ListenPort 51820"
check "a wrong value" refuses_file "conf:4: AllowedIPs: '10.0.0.0/99'" "[Peer]" "PublicKey=$a" \
	"AllowedIPs=10.0.0.0/8" "AllowedIPs = 10.1.0.0/16, 10.0.0.0/99"
check "a sign in a file" refuses_file "conf:3: AllowedIPs: '+10.0.0.0/8'" "[Peer]" "PublicKey=$a" \
	"AllowedIPs=+10.0.0.0/8"
check "a wrong private key, not repeated" refuses_file "conf:2: PrivateKey: not a key" \
	"[Interface]" "PrivateKey=secret"
check "a key twice" refuses_file "conf:3: FwMark: is there twice" "[Interface]" "FwMark=1" "FwMark=2"
check "two [Interface]" refuses_file "conf:2: a second [Interface]" "[Interface]" "[Interface]"
check "a peer without a key" refuses_file "conf:1: this [Peer] has no PublicKey" \
	"[Peer]" "Endpoint=192.0.2.1:1" "[Peer]" "PublicKey=$a"
check "the last peer without a key" refuses_file "conf:3: this [Peer] has no PublicKey" \
	"[Peer]" "PublicKey=$a" "[Peer]"
check "a peer twice" refuses_file "conf:3: a second [Peer] with the PublicKey $a" \
	"[Peer]" "PublicKey=$a" "[Peer]" "PublicKey=$a"
export TOYVPN_ENDPOINT_RESOLUTION_RETRIES=0
check "a name that cannot be resolved" refuses_file "conf:4: Endpoint: 'vpn.example.net': " \
	"[Interface]" "[Peer]" "PublicKey=$a" "Endpoint=vpn.example.net:1"
check "a file for what is not there" refuses "vpn9: no such network interface" \
	setconf vpn9 <(echo "[Interface]")

#
# syncconf and a session
#

# sync LINES...: right has just left as its peer, with LINES
sync() {
	conf "[Interface]" "PrivateKey=$(<"$tmp/right.key")" "[Peer]" "PublicKey=${key[left]}" "$@"
	on right toyvpnctl syncconf vpn0 "$tmp/conf"
}
# session: what lasts as long as right's session
session() {
	sessions right
	on right toyvpnctl show vpn0 --json |
		jq -c '.[0] | .listen_port, (.peers[0] | .latest_handshake, .endpoint)'
}
# goes_on LINES...: after that, the session is the one before
goes_on() {
	local before

	before=$(session)
	sync "$@"
	pings right "${inner4[left]}"
	[[ $(session) == "$before" ]]
}
tunnel_pair 4
check "a tunnel" pings right "${inner4[left]}"
check "syncconf keeps session, endpoint and port" goes_on "AllowedIPs=${inner4[left]}"
check "also with other settings" goes_on "AllowedIPs=${inner4[left]},10.55.0.0/16" \
	"PersistentKeepalive=60"
check_equal "which are set" "${key[left]}"$'\t'60 "$(on right toyvpnctl show vpn0 persistent-keepalive)"
check_equal "and reset" "${key[left]}"$'\t'off "$(sync "AllowedIPs=${inner4[left]}" &&
	on right toyvpnctl show vpn0 persistent-keepalive)"
connected() {
	shows right left state connected
	on right toyvpnctl show vpn0 | grep -qE "^  latest handshake: .*(ago|now)$"
	on right toyvpnctl show vpn0 | grep -qE "^  transfer: .* received, .* sent$"
	[[ $(on right toyvpnctl show vpn0 states) == "${key[left]}"$'\t'connected$'\t'none$'\t'* ]]
}
check "show says how it is" connected

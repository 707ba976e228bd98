# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of toyvpnctl: commands, interfaces, words, keys of peers, files.

# Offer those lines of stdin that begin with what was typed. Not by compgen -W, which would run the
# commands that the name of an interface can hold.
_toyvpnctl_offer() {
	local word

	while IFS= read -r word; do
		[[ $word != "$cur"* ]] || COMPREPLY+=("$word")
	done
}

_toyvpnctl_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# As they would have to be typed
_toyvpnctl_interfaces() {
	local name

	toyvpnctl show interfaces 2>/dev/null | while IFS= read -r name; do
		printf '%q\n' "$name"
	done
}

_toyvpnctl_peers() {
	toyvpnctl show "$1" peers 2>/dev/null
}

_toyvpnctl_commands() {
	printf '%s\n' show showconf set setconf addconf syncconf genkey genpsk pubkey version help
}

_toyvpnctl_fields() {
	printf '%s\n' public-key private-key listen-port fwmark ciphers peers preshared-keys \
		endpoints allowed-ips latest-handshakes persistent-keepalive transfer states dump
}

# The words that can follow in "set": $1 is whether a peer was named.
_toyvpnctl_set_words() {
	if $1; then
		printf '%s\n' peer remove preshared-key endpoint persistent-keepalive allowed-ips
	else
		printf '%s\n' listen-port fwmark private-key ciphers peer
	fi
}

# What can follow in a list of ciphers of which $1 is there already.
_toyvpnctl_ciphers() {
	local cipher head=''

	[[ $1 != *,* ]] || head=${1%,*},
	for cipher in aes-256-gcm chacha20-poly1305; do
		[[ ,$head == *,$cipher,* ]] || echo "$head$cipher"
	done
	[[ $head ]] || echo default
}

# set: $1 is the interface, the rest the words so far.
_toyvpnctl_set() {
	local interface=$1 word named=false expect=word

	shift
	for word; do
		case $expect in
		value) expect=word ;;
		*)
			case $word in
			remove) ;;
			peer) named=true expect=value ;;
			*) expect=value ;;
			esac
			;;
		esac
	done
	if [[ $expect == word ]]; then
		_toyvpnctl_offer < <(_toyvpnctl_set_words "$named")
		return
	fi
	case ${!#} in
	peer) _toyvpnctl_offer < <(_toyvpnctl_peers "$interface") ;;
	private-key | preshared-key) _toyvpnctl_files ;;
	ciphers) _toyvpnctl_offer < <(_toyvpnctl_ciphers "$cur") ;;
	fwmark | persistent-keepalive) _toyvpnctl_offer <<<off ;;
	esac
}

# show and showconf: $1 is which, the rest the words so far; --json can stand anywhere.
_toyvpnctl_show() {
	local command=$1 json=--json word given=()

	shift
	for word; do
		if [[ $word == --json ]]; then
			json=''
		else
			given+=("$word")
		fi
	done
	[[ ! $json ]] || _toyvpnctl_offer <<<"$json"
	case ${#given[@]}:$command in
	0:show) _toyvpnctl_offer < <(printf '%s\n' all interfaces; _toyvpnctl_interfaces) ;;
	0:showconf) _toyvpnctl_offer < <(_toyvpnctl_interfaces) ;;
	1:show) [[ ${given[0]} == interfaces ]] || _toyvpnctl_offer < <(_toyvpnctl_fields) ;;
	esac
}

_toyvpnctl() {
	# shellcheck disable=SC2034 # _init_completion sets more than is needed here
	local cur prev words cword split

	# Keys end with "=", addresses have ":", which otherwise break words.
	_init_completion -n =: || return
	COMPREPLY=()
	case $cword:${words[1]} in
	1:*) _toyvpnctl_offer < <(_toyvpnctl_commands; printf '%s\n' --help --version --json) ;;
	2:help) _toyvpnctl_offer < <(_toyvpnctl_commands) ;;
	*:show | *:showconf) _toyvpnctl_show "${words[1]}" "${words[@]:2:cword-2}" ;;
	2:set | 2:setconf | 2:addconf | 2:syncconf) _toyvpnctl_offer < <(_toyvpnctl_interfaces) ;;
	3:setconf | 3:addconf | 3:syncconf) _toyvpnctl_files ;;
	*:set) _toyvpnctl_set "${words[2]}" "${words[@]:3:cword-3}" ;;
	esac
}

complete -F _toyvpnctl toyvpnctl

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of toyvpnctl: commands, interfaces, words, keys of peers, files.

_toyvpnctl_interfaces() {
	toyvpnctl show interfaces 2>/dev/null
}

_toyvpnctl_peers() {
	toyvpnctl show "$1" peers 2>/dev/null
}

# The words that can follow in "set": $1 is whether a peer was named, the rest the words so far.
_toyvpnctl_set_words() {
	if $1; then
		echo peer remove preshared-key endpoint persistent-keepalive allowed-ips
	else
		echo listen-port fwmark private-key ciphers peer
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

_toyvpnctl_set() {
	local interface=$1 word cur=$2 named=false expect=word

	shift 2
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
		mapfile -t COMPREPLY < <(compgen -W "$(_toyvpnctl_set_words "$named")" -- "$cur")
		return
	fi
	case ${!#} in
	peer) mapfile -t COMPREPLY < <(compgen -W "$(_toyvpnctl_peers "$interface")" -- "$cur") ;;
	private-key | preshared-key)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	ciphers) mapfile -t COMPREPLY < <(compgen -W "$(_toyvpnctl_ciphers "$cur")" -- "$cur") ;;
	fwmark | persistent-keepalive) mapfile -t COMPREPLY < <(compgen -W off -- "$cur") ;;
	esac
}

_toyvpnctl() {
	local commands='show showconf set setconf addconf syncconf genkey genpsk pubkey version help'
	local fields='public-key private-key listen-port fwmark ciphers peers preshared-keys endpoints
		allowed-ips latest-handshakes persistent-keepalive transfer states dump'
	# shellcheck disable=SC2034 # _init_completion sets more than is needed here
	local cur prev words cword split choices=''

	# Keys end with "=", addresses have ":", which otherwise break words.
	_init_completion -n =: || return
	COMPREPLY=()
	case $cword:${words[1]} in
	1:*) choices="$commands --help --version" ;;
	2:help) choices=$commands ;;
	2:show) choices="all interfaces --json $(_toyvpnctl_interfaces)" ;;
	2:showconf | 2:set | 2:setconf | 2:addconf | 2:syncconf) choices=$(_toyvpnctl_interfaces) ;;
	3:show) [[ ${words[2]} == interfaces ]] || choices=$fields ; choices+=' --json' ;;
	4:show | 3:showconf) choices=--json ;;
	3:setconf | 3:addconf | 3:syncconf)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	*:set)
		_toyvpnctl_set "${words[2]}" "$cur" "${words[@]:3:cword-3}"
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
}

complete -F _toyvpnctl toyvpnctl

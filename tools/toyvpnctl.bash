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

# Those that have a file in /etc/toyvpn
_toyvpnctl_tunnels() {
	local file

	for file in /etc/toyvpn/*.conf; do
		[[ ! -r $file ]] || printf '%q\n' "$(basename "$file" .conf)"
	done
}

_toyvpnctl_offer_tunnels() {
	_toyvpnctl_files
	_toyvpnctl_offer < <(_toyvpnctl_tunnels)
}

_toyvpnctl_peers() {
	toyvpnctl show "$1" peers 2>/dev/null
}

_toyvpnctl_commands() {
	printf '%s\n' show showconf set setconf addconf syncconf genkey genpsk pubkey up down reload \
		status monitor serve user client lease version help
}

_toyvpnctl_fields() {
	printf '%s\n' public-key private-key listen-port fwmark ciphers peers preshared-keys \
		endpoints allowed-ips latest-handshakes persistent-keepalive transfer states configs \
		dump
}

# The words that can follow in "set": $1 is whether a peer was named.
_toyvpnctl_set_words() {
	if $1; then
		printf '%s\n' peer remove preshared-key endpoint persistent-keepalive allowed-ips \
			config-file credentials-file connect
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
			remove | connect) ;;
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
	private-key | preshared-key | config-file | credentials-file) _toyvpnctl_files ;;
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

# serve: the words so far
_toyvpnctl_serve() {
	case ${!#} in
	--idle | --lease) ;;
	*) _toyvpnctl_offer < <(printf '%s\n' --idle --lease) ;;
	esac
}

# user: the words so far
_toyvpnctl_user() {
	if [[ ${!#} == --users ]]; then
		_toyvpnctl_files
		return
	fi
	case $#:$1 in
	1:del | 1:passwd) _toyvpnctl_offer < <(toyvpnctl user list 2>/dev/null) ;;
	esac
	_toyvpnctl_offer <<<--users
	[[ $1 != list ]] || _toyvpnctl_offer <<<--json
}

# client: the words so far
_toyvpnctl_client() {
	case $#:${!#} in
	1:*) _toyvpnctl_offer < <(toyvpnctl user list 2>/dev/null) ;;
	*:--server) _toyvpnctl_offer_tunnels ;;
	*:--endpoint) ;;
	*) _toyvpnctl_offer < <(printf '%s\n' --server --endpoint) ;;
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
	2:up | 2:down | 2:reload) _toyvpnctl_offer_tunnels ;;
	2:status)
		_toyvpnctl_offer_tunnels
		_toyvpnctl_offer <<<--json
		;;
	3:up) _toyvpnctl_offer < <(printf '%s\n' --no-wait --stay) ;;
	3:status | 2:monitor) _toyvpnctl_offer <<<--json ;;
	2:serve) _toyvpnctl_offer_tunnels ;;
	*:serve) _toyvpnctl_serve "${words[@]:3:cword-3}" ;;
	2:user) _toyvpnctl_offer < <(printf '%s\n' add del list passwd) ;;
	*:user) _toyvpnctl_user "${words[@]:2:cword-2}" ;;
	2:client) _toyvpnctl_offer <<<new ;;
	*:client) _toyvpnctl_client "${words[@]:2:cword-2}" ;;
	2:lease) _toyvpnctl_offer <<<list ;;
	3:lease) _toyvpnctl_offer < <(_toyvpnctl_interfaces; echo --json) ;;
	4:lease) _toyvpnctl_offer <<<--json ;;
	*:set) _toyvpnctl_set "${words[2]}" "${words[@]:3:cword-3}" ;;
	esac
}

complete -F _toyvpnctl toyvpnctl

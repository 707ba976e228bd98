#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What bash offers after each word of toyvpnctl.

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

library=/usr/share/bash-completion/bash_completion
completion=$(dirname "$selftests")/tools/toyvpnctl.bash
public=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

if [[ ! -e $library ]]; then
	skip "completion" "bash-completion is not here"
	exit
fi

# An interface can have a name that is a command.
mkdir "$tmp/bin" "$tmp/here"
cat >"$tmp/bin/toyvpnctl" <<-EOF
#!/bin/bash
case \$* in
"show interfaces") printf '%s\n' vpn0 'v\$(>run)' ;;
"show vpn0 peers") echo $public ;;
"user list") echo anna ;;
*) exit 1 ;;
esac
EOF
chmod +x "$tmp/bin/toyvpnctl"
touch "$tmp/here/a file"

# As bash calls it, but for readline, which is what compopt talks to.
cat >"$tmp/complete" <<-'EOF'
compopt() { :; }
. "$1"
. "$2"
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_TYPE=9 COMP_KEY=9
COMP_POINT=${#COMP_LINE}
_toyvpnctl
for word in "${COMPREPLY[@]}"; do
	printf '%s\n' "$word"
done
EOF

# completes WORDS...: what is offered for the last of them, one a line, sorted
completes() {
	(cd "$tmp/here" && PATH=$tmp/bin:$PATH bash "$tmp/complete" "$library" "$completion" \
		toyvpnctl "$@" | sort)
}

# offers CHOICES WORDS...: these and no others
offers() {
	local choices=$1

	shift
	check_equal "toyvpnctl $*" "$(tr ' ' '\n' <<<"$choices" | sort)" "$(completes "$@")"
}

commands='show showconf set setconf addconf syncconf genkey genpsk pubkey'
commands+=' up down reload status monitor serve user client lease version help'
fields='public-key private-key listen-port fwmark ciphers peers preshared-keys endpoints allowed-ips'
fields+=' latest-handshakes persistent-keepalive transfer states configs dump'
device='listen-port fwmark private-key ciphers peer'
peer='peer remove preshared-key endpoint persistent-keepalive allowed-ips'
peer+=' config-file credentials-file connect'
links='vpn0 v\$\(\>run\)'

offers "$commands --help --version --json" ''
offers "show showconf" sho
offers "$commands" help ''
offers "" genkey ''
offers "all interfaces --json $links" show ''
offers "vpn0" show vp
offers "all interfaces $links" show --json ''
offers "$fields --json" show vpn0 ''
offers "$fields" show --json vpn0 ''
offers "--json" show interfaces ''
offers "--json" show vpn0 dump ''
offers "" show vpn0 dump --json ''
offers "$links --json" showconf ''
offers "--json" showconf vpn0 ''
for cmd in set setconf addconf syncconf; do
	offers "$links" "$cmd" ''
done
offers "$device" set vpn0 ''
offers "private-key peer" set vpn0 p
offers "$device" set vpn0 fwmark 1 ''
offers "off" set vpn0 fwmark ''
offers "aes-256-gcm chacha20-poly1305 default" set vpn0 ciphers ''
offers "aes-256-gcm,chacha20-poly1305" set vpn0 ciphers aes-256-gcm,
offers "" set vpn0 listen-port ''
offers "$public" set vpn0 peer ''
offers "$peer" set vpn0 peer "$public" ''
offers "$peer" set vpn0 peer "$public" remove ''
offers "$peer" set vpn0 peer "$public" connect ''
offers "$peer" set vpn0 peer "$public" endpoint 192.0.2.1:5 ''
offers "off" set vpn0 peer "$public" persistent-keepalive ''
check_equal "a key is in a file" "a file" "$(completes set vpn0 private-key '')"
for word in preshared-key config-file credentials-file; do
	check_equal "so is what $word names" "a file" \
		"$(completes set vpn0 peer "$public" "$word" a)"
done
check_equal "so is a configuration" "a file" "$(completes setconf vpn0 '')"
mkdir -p /etc/toyvpn
touch /etc/toyvpn/completion.conf
defer rm -f /etc/toyvpn/completion.conf
for cmd in up down reload status serve; do
	offers completion "$cmd" comp
	check_equal "$cmd takes a file as well" "a file" "$(completes "$cmd" a)"
done
offers "--no-wait --stay" up completion ''
offers "--json" status completion ''
offers "--json" monitor ''
offers "--idle --lease" serve completion ''
offers "" serve completion --idle ''
offers "add del list passwd" user ''
offers "anna --users" user del ''
offers "--users" user add ''
offers "--users --json" user list ''
check_equal "a file has the users" "a file" "$(completes user add anna --users a)"
offers "new" client ''
offers "anna" client new ''
offers "--server --endpoint" client new anna ''
offers "completion" client new anna --server comp
offers "" client new anna --endpoint ''
offers "list" lease ''
offers "--json $links" lease list ''
offers "--json" lease list vpn0 ''
check_equal "no name of an interface was run as a command" "a file" "$(ls "$tmp/here")"

# The same words as the program's own help
check_equal "all commands are offered" "$(toyvpnctl help | sed -n 's/^  \([a-z]*\) .*/\1/p')" \
	"$(tr ' ' '\n' <<<"$commands")"
check_equal "and all words of show" \
	"$(toyvpnctl help show | sed -n 's/^  //p; s/^or \(dump\) .*/\1/p' | tr ' ' '\n' | sort)" \
	"$(tr ' ' '\n' <<<"$fields" | sort)"

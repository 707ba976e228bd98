#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who may log in: the file of users, changed by people, by several at once, and broken off.
# timeout: 300

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

file=$tmp/new/users

# user PASSWORD WORDS...: toyvpnctl user on our file, the password on stdin
user() {
	local password=$1

	shift
	toyvpnctl user "$@" --users "$file" <<<"$password"
}

# names: of all users, in one line
names() {
	toyvpnctl user list --users "$file" | tr '\n' ' '
}

# hash_of NAME
hash_of() {
	sed -n "s/^$1://p" "$file"
}

# keeps TITLE TEXT CMD...: CMD is refused with TEXT and the file stays as it is
keeps() {
	local before

	before=$(cat "$file")
	check_refused "$@"
	check_equal "$1: nothing has changed" "$before" "$(cat "$file")"
}

#
# By hand
#

check_equal "without a file there is nobody" "" "$(names)"
check "the first user" user "open sesame" add anna
check_equal "the file is for root alone" "600 700" "$(stat -c %a "$file" "$tmp/new" | tr '\n' ' ' | xargs)"
check "more" user b add bert.b-1@example
check_equal "they are listed" "anna bert.b-1@example " "$(names)"
check_equal "and for programs" '["anna","bert.b-1@example"]' \
	"$(toyvpnctl user list --json --users "$file" | jq -c 'map(.name)')"
# shellcheck disable=SC2016 # of the hash
check "what is kept is a hash that costs what is said of it" \
	grep -qx 'anna:\$argon2id\$v=19\$m=19456,t=2,p=1\$[^$]*\$[^$]*' "$file"
lacks_password() {
	[[ $(<"$file") != *sesame* ]]
}
check "and not the password" lacks_password
first=$(hash_of anna)
check "another password" user "close sesame" passwd anna
changed() {
	[[ $(hash_of anna) != "$first" && $(hash_of anna) ]]
}
check "makes another hash" changed
check "a comment" sed -i '1i # who may log in\n' "$file"
check "somebody else" user c add carl
check "somebody goes" user "" del anna
check_equal "and nothing else" "# who may log in||bert.b-1@example|carl|" "$(sed 's/:.*//' "$file" | tr '\n' '|')"
mode() {
	chmod 640 "$file"
	user d add dora
	[[ $(stat -c %a "$file") == 640 ]]
}
check "who may read the file is the administrator's choice" mode

keeps "a user twice" "there is a user carl already" user x add carl
keeps "nobody's password" "there is no user zoe" user x passwd zoe
keeps "nobody" "there is no user zoe" user "" del zoe
keeps "no password" "an empty password" user "" add zoe
keeps "too long a one" "190 bytes at most" user "$(printf '%0191d' 1)" add zoe
for name in "" . -x "a b" a:b "a/b" $'a\nb' "ä" "$(printf '%065d' 1)"; do
	keeps "the name ${name@Q}" "cannot be a user's name" user x add "$name"
done
keeps "no such word" "is not one of add, del, list, passwd" user x change carl
keeps "too many words" "too few or too many words" user x add a b
keeps "a file that is missing" "what shall it be" toyvpnctl user list --users
check "the longest name and password" user "$(printf '%0190d' 1)" add "$(printf '%064d' 1)"

# A person is asked twice, and sees nothing of what is typed.
terminal() {
	python3 - "$file" "$@" <<-'END'
		import os, pty, select, sys

		path, *typed = sys.argv[1:]
		pid, fd = pty.fork()
		if not pid:
		    os.execlp("toyvpnctl", "toyvpnctl", "user", "add", "typist", "--users", path)
		seen = b""
		for word in typed:
		    before = seen.count(b": ")
		    while seen.count(b": ") == before:
		        seen += os.read(fd, 4096)
		    os.write(fd, word.encode() + b"\n")
		try:
		    while data := os.read(fd, 4096):
		        seen += data
		except OSError:
		    pass
		print(seen.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or any(w.encode() in seen for w in typed))
	END
}
differ() {
	if terminal wonderland looking-glass >"$tmp/seen"; then
		return 1
	fi
	grep -q "these are not the same" "$tmp/seen"
	[[ $(names) != *typist* ]]
}
check "two passwords that differ" differ
check "a password typed twice is not shown" terminal wonderland wonderland
check "and is taken" grep -q '^typist:' "$file"

#
# Files that are wrong
#

carl=$(hash_of carl)

# wrong TEXT LINE: a file with such a line is refused, and not changed
wrong() {
	local file=$tmp/wrong

	printf '%s\n' "carl:$carl" "$2" >"$file"
	keeps "the line '$2'" "$1" user x add zoe
}
wrong ":2: this does not begin with a user's name and a colon" "a b:c"
wrong ":2: after 'anna:' has to be an Argon2id hash" "anna"
wrong ":2: after 'anna:' has to be an Argon2id hash" "anna:secret"
wrong "carl is there twice" "carl:$carl"

#
# At once, and broken off
#

at_once() {
	local i pids=()

	for i in {1..20}; do
		user x add "twin$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[[ $(names | grep -o 'twin[0-9]* ' | sort -u | wc -l) == 20 ]]
}
check "twenty are added at once and all are there" at_once

# Each time it is killed, all that were added before are there, and the new one is or is not.
broken_off() {
	local i before after

	for ((i = 0; i < $(amount 30); i++)); do
		before=$(names)
		timeout --foreground -s KILL "0.0$((RANDOM % 10))$((RANDOM % 10))" \
			toyvpnctl user add "part$i" --users "$file" <<<x || :
		after=$(names)
		[[ $(tr ' ' '\n' <<<"$after" | grep -vx "part$i" | xargs) == "$(xargs <<<"$before")" ]]
	done
	user x add whole
	grep -q '^whole:' "$file"
	[[ ! -e $file.new ]]
}
check "user add is killed again and again" broken_off

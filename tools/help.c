// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "help.h"
#include "report.h"

struct text {
	const char *name;
	const char *arguments;	/* each with a space before it */
	const char *summary;
	const char *details;
};

static const struct text texts[] = {
	{
		"show", " [all | interfaces | INTERFACE] [WORD] [--json]",
		"show interfaces, their peers and how they are doing",
		"WORD is one of, for the interface:\n"
		"  public-key private-key listen-port fwmark ciphers\n"
		"for each of its peers:\n"
		"  peers preshared-keys endpoints allowed-ips latest-handshakes\n"
		"  persistent-keepalive transfer states configs\n"
		"or dump for all of it. With a WORD, or with --json, the output is for programs.\n"
	},
	{
		"showconf", " INTERFACE [--json]",
		"print the configuration of an interface, for setconf", ""
	},
	{
		"set",
		" INTERFACE [INTERFACE-WORD VALUE]... [peer KEY [PEER-WORD VALUE]...]...",
		"change an interface, add, change and remove peers",
		"For the interface:\n"
		"  listen-port PORT  fwmark MARK  private-key FILE  ciphers CIPHER[,CIPHER]\n"
		"For the peer of a public KEY:\n"
		"  remove  preshared-key FILE  endpoint HOST:PORT  persistent-keepalive SECONDS\n"
		"  allowed-ips [[+|-]ADDRESS[/PREFIX],...]  config-file FILE  credentials-file FILE\n"
		"  connect\n"
		"An empty FILE, such as /dev/null, removes what was there. A list of allowed IPs replaces\n"
		"the peer's; with + or - before an entry it adds to it or takes from it.\n"
	},
	{
		"setconf", " INTERFACE FILE",
		"make an interface just what a file says", ""
	},
	{
		"addconf", " INTERFACE FILE",
		"change what a file names and leave the rest", ""
	},
	{
		"syncconf", " INTERFACE FILE",
		"like setconf, changing only what differs, so that sessions go on", ""
	},
	{ "genkey", "", "print a new private key", "" },
	{ "genpsk", "", "print a new preshared key", "" },
	{ "pubkey", "", "print the public key of the private key on stdin", "" },
	{
		"up", " NAME|FILE [--no-wait | --stay]",
		"make a tunnel as its file has it, and connect it",
		"NAME stands for /etc/toyvpn/NAME.conf; a FILE is called NAME.conf and has a slash\n"
		"in its path, or this ending. It waits until the tunnel is connected and says what\n"
		"happens meanwhile; if that fails, all is undone.\n"
		"  --no-wait  do not wait\n"
		"  --stay     keep it connected, whatever the network does, until \"down\"\n"
	},
	{
		"down", " NAME|FILE",
		"undo just what up did, whatever became of it", ""
	},
	{
		"reload", " NAME|FILE",
		"change a tunnel as its file was changed, and only what differs", ""
	},
	{
		"status", " [NAME|FILE] [--json]",
		"say how it stands with tunnels",
		"The exit status is 0 if connected, 3 if disconnected, 4 if connecting, 5 if\n"
		"reconnecting, and 1 if that cannot be found out.\n"
	},
	{
		"monitor", " [--json]",
		"print what happens to peers, as it happens", ""
	},
	{
		"serve", " NAME|FILE [--idle SECONDS] [--lease SECONDS]",
		"take the clients of a server in: logins, addresses, NAT",
		"A client that has not shaken hands for --idle (900) seconds is a peer no more until it\n"
		"comes again, with the address that it had. If there are no more addresses, one that\n"
		"nobody used for --lease (86400) seconds is given to another.\n"
	},
	{
		"user", " add|del|list|passwd [NAME] [--users FILE] [--json]",
		"add, remove and list those who may log in to a server",
		"  add NAME     let somebody in\n"
		"  passwd NAME  change the password\n"
		"  del NAME     let somebody in no more: a server ends the connections\n"
		"  list         all names\n"
		"The password is asked for, or a line of stdin if that is no terminal. What is kept\n"
		"of it, in /etc/toyvpn/users or FILE, is an Argon2id hash.\n"
	},
	{
		"client", " new NAME [--server NAME|FILE] [--endpoint HOST[:PORT]]",
		"print a ready configuration file for a client of a server of this host",
		"NAME is a user, by toyvpnctl user add. Without --server it is the one server whose\n"
		"file is in /etc/toyvpn, without --endpoint clients reach it at this host's address on\n"
		"the way to the rest of the world. Each client needs a file of its own.\n"
	},
	{
		"lease", " list [INTERFACE] [--json]",
		"list the addresses of a server's clients",
		"Interface, login, addresses, public key, and when the client was last here.\n"
	},
	{ "version", "", "print the version", "" },
	{ "help", " [COMMAND]", "say how to use this program or a command of it", "" },
	{ }
};

static const struct text *find_text(const char *name)
{
	const struct text *text;

	for (text = texts; text->name; text++)
		if (!strcmp(text->name, name))
			return text;
	return NULL;
}

/**
 * usage() - say how a command is used, because it was not used so
 * @command: its name
 *
 * Return: false, so that a command can end with it.
 */
bool usage(const char *command)
{
	const struct text *text = find_text(command);

	return fail("too few or too many words: this is toyvpnctl %s%s", command,
		    text ? text->arguments : "");
}

/**
 * unknown_command() - say that there is no such command
 * @name: what was taken for its name
 *
 * Return: false, so that a caller can end with it.
 */
bool unknown_command(const char *name)
{
	return fail("'%s' is not a command: see \"toyvpnctl help\"", name);
}

/**
 * help_of() - say how a command is used, because it was asked for
 * @name: its name
 *
 * Return: whether there is such a command; if not, the user has been told.
 */
bool help_of(const char *name)
{
	const struct text *text = find_text(name);

	if (!text)
		return unknown_command(name);
	printf("usage: toyvpnctl %s%s\n", text->name, text->arguments);
	printf("\n%c%s.\n%s", text->summary[0] - 'a' + 'A', text->summary + 1, text->details);
	return true;
}

/**
 * cmd_help() - toyvpnctl help: say how to use the program or a command of it
 * @argc: number of words
 * @argv: "help", optionally a command
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_help(int argc, char *argv[])
{
	const struct text *text;

	if (argc > 2)
		return usage("help");
	if (argc == 2)
		return help_of(argv[1]);
	puts("usage: toyvpnctl [COMMAND [ARGUMENT]...]\n\ncommands:");
	for (text = texts; text->name; text++)
		printf("  %-10s%s\n", text->name, text->summary);
	puts("\nWithout a command it is show. More: toyvpnctl help COMMAND, man toyvpnctl.");
	return true;
}

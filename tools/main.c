// SPDX-License-Identifier: GPL-2.0
/* toyvpnctl: sets and shows toyvpn interfaces. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "commands.h"
#include "report.h"

/* What goes to stdout can be a key, so it waits where it can be wiped. */
static char out[BUFSIZ];

struct command {
	const char *name;
	bool (*run)(int argc, char *argv[]);
	const char *arguments;	/* each with a space before it */
	const char *summary;
	const char *details;
};

static bool cmd_version(int argc, char *argv[]);
static bool cmd_help(int argc, char *argv[]);

static const struct command commands[] = {
	{
		"show", cmd_show, " [all | interfaces | INTERFACE] [WORD] [--json]",
		"show interfaces, their peers and how they are doing",
		"WORD is one of, for the interface:\n"
		"  public-key private-key listen-port fwmark ciphers\n"
		"for each of its peers:\n"
		"  peers preshared-keys endpoints allowed-ips latest-handshakes\n"
		"  persistent-keepalive transfer states\n"
		"or dump for all of it. With a WORD, or with --json, the output is for programs.\n"
	},
	{
		"showconf", cmd_showconf, " INTERFACE [--json]",
		"print the configuration of an interface, for setconf", ""
	},
	{
		"set", cmd_set,
		" INTERFACE [INTERFACE-WORD VALUE]... [peer KEY [PEER-WORD VALUE]...]...",
		"change an interface, add, change and remove peers",
		"For the interface:\n"
		"  listen-port PORT  fwmark MARK  private-key FILE  ciphers CIPHER[,CIPHER]\n"
		"For the peer of a public KEY:\n"
		"  remove  preshared-key FILE  endpoint HOST:PORT  persistent-keepalive SECONDS\n"
		"  allowed-ips [[+|-]ADDRESS[/PREFIX],...]\n"
		"An empty FILE, such as /dev/null, removes the key. A list of allowed IPs replaces\n"
		"the peer's; with + or - before an entry it adds to it or takes from it.\n"
	},
	{
		"setconf", cmd_setconf, " INTERFACE FILE",
		"make an interface just what a file says", ""
	},
	{
		"addconf", cmd_addconf, " INTERFACE FILE",
		"change what a file names and leave the rest", ""
	},
	{
		"syncconf", cmd_syncconf, " INTERFACE FILE",
		"like setconf, changing only what differs, so that sessions go on", ""
	},
	{ "genkey", cmd_genkey, "", "print a new private key", "" },
	{ "genpsk", cmd_genpsk, "", "print a new preshared key", "" },
	{ "pubkey", cmd_pubkey, "", "print the public key of the private key on stdin", "" },
	{ "version", cmd_version, "", "print the version", "" },
	{ "help", cmd_help, " [COMMAND]", "say how to use this program or a command of it", "" },
	{ }
};

static const struct command *find_command(const char *name)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

static const char *arguments_of(const struct command *command)
{
	return command ? command->arguments : "";
}

/**
 * usage() - say how a command is used, because it was not used so
 * @command: its name
 *
 * Return: false, so that a command can end with it.
 */
bool usage(const char *command)
{
	return fail("too few or too many words: this is toyvpnctl %s%s", command,
		    arguments_of(find_command(command)));
}

static bool unknown(const char *name)
{
	return fail("'%s' is not a command: see \"toyvpnctl help\"", name);
}

static bool help_of(const struct command *command)
{
	printf("usage: toyvpnctl %s%s\n", command->name, command->arguments);
	printf("\n%c%s.\n%s", command->summary[0] - 'a' + 'A', command->summary + 1,
	       command->details);
	return true;
}

static bool cmd_help(int argc, char *argv[])
{
	const struct command *command;

	if (argc > 2)
		return usage("help");
	if (argc == 2) {
		command = find_command(argv[1]);
		return command ? help_of(command) : unknown(argv[1]);
	}
	puts("usage: toyvpnctl [COMMAND [ARGUMENT]...]\n\ncommands:");
	for (command = commands; command->name; command++)
		printf("  %-10s%s\n", command->name, command->summary);
	puts("\nWithout a command it is show. More: toyvpnctl help COMMAND, man toyvpnctl.");
	return true;
}

static bool cmd_version(int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return usage("version");
	puts("toyvpnctl " VERSION);
	return true;
}

/* The command that a first word stands for. */
static const struct command *command_of(const char *word)
{
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		word = "help";
	if (!strcmp(word, "--version") || !strcmp(word, "-v"))
		word = "version";
	return find_command(word);
}

static bool run(int argc, char *argv[])
{
	const struct command *command;

	if (argc < 2)
		return cmd_show(argc, argv);
	if (!strcmp(argv[1], "--json"))
		return argc == 2 ? cmd_show(argc, argv) : usage("show");
	command = command_of(argv[1]);
	if (!command)
		return unknown(argv[1]);
	if (argc == 3 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
		return help_of(command);
	return command->run(argc - 1, argv + 1);
}

int main(int argc, char *argv[])
{
	bool good;

	setvbuf(stdout, out, _IOFBF, sizeof(out));
	if (sodium_init() < 0)
		good = fail("cannot initialise libsodium");
	else
		good = run(argc, argv);
	if (fflush(stdout) || ferror(stdout))
		good = fail("cannot write the output: %s", strerror(errno));
	sodium_memzero(out, sizeof(out));
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

// SPDX-License-Identifier: GPL-2.0
/* toyvpnctl: sets and shows toyvpn interfaces. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "commands.h"
#include "help.h"
#include "report.h"

/* What goes to stdout can be a key, so it waits where it can be wiped. */
static char out[BUFSIZ];

int exit_status = EXIT_SUCCESS;

static bool cmd_version(int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return usage("version");
	puts("toyvpnctl " VERSION);
	return true;
}

struct command {
	const char *name;
	bool (*run)(int argc, char *argv[]);
};

/* help.c says what each of them does. */
static const struct command commands[] = {
	{ "show", cmd_show },
	{ "showconf", cmd_showconf },
	{ "set", cmd_set },
	{ "setconf", cmd_setconf },
	{ "addconf", cmd_addconf },
	{ "syncconf", cmd_syncconf },
	{ "genkey", cmd_genkey },
	{ "genpsk", cmd_genpsk },
	{ "pubkey", cmd_pubkey },
	{ "up", cmd_up },
	{ "down", cmd_down },
	{ "reload", cmd_reload },
	{ "status", cmd_status },
	{ "monitor", cmd_monitor },
	{ "serve", cmd_serve },
	{ "user", cmd_user },
	{ "client", cmd_client },
	{ "lease", cmd_lease },
	{ "version", cmd_version },
	{ "help", cmd_help },
	{ }
};

/* The command that a first word stands for. */
static const struct command *command_of(const char *word)
{
	const struct command *command;

	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		word = "help";
	if (!strcmp(word, "--version") || !strcmp(word, "-v"))
		word = "version";
	for (command = commands; command->name; command++)
		if (!strcmp(command->name, word))
			return command;
	return NULL;
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
		return unknown_command(argv[1]);
	if (argc == 3 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
		return help_of(command->name);
	return command->run(argc - 1, argv + 1);
}

/*
 * A program may be started without stdout or stderr, and the socket to the kernel would take its
 * place. This one cannot be written to either: whoever tries is told.
 */
static void keep_place(int fd)
{
	int null;

	if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
		return;
	null = open("/dev/null", O_RDONLY);
	if (null >= 0 && null != fd) {
		dup2(null, fd);
		close(null);
	}
}

int main(int argc, char *argv[])
{
	bool good;

	keep_place(STDOUT_FILENO);
	keep_place(STDERR_FILENO);
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	/* There is one thread. */
	__fsetlocking(stdout, FSETLOCKING_BYCALLER);
	if (sodium_init() < 0)
		good = fail("cannot initialise libsodium");
	else
		good = run(argc, argv);
	if (fflush(stdout) || ferror(stdout))
		good = fail("cannot write the output: %s", strerror(errno));
	sodium_memzero(out, sizeof(out));
	return good ? exit_status : EXIT_FAILURE;
}

// SPDX-License-Identifier: GPL-2.0
/* setconf, addconf, syncconf: change a device by a configuration file. */
#include "commands.h"
#include "config.h"
#include "device.h"
#include "genl.h"
#include "help.h"
#include "sync.h"

static bool configure(int argc, char *argv[], enum sync_mode mode)
{
	struct device want = { 0 };
	struct genl *genl = NULL;
	bool good;

	if (argc != 3)
		return usage(argv[0]);
	good = config_from_file(&want, argv[2]) &&
	       (genl = genl_open()) &&
	       sync_device(genl, argv[1], &want, mode, argv[2]);
	device_clear(&want);
	if (genl)
		genl_close(genl);
	return good;
}

/**
 * cmd_setconf() - toyvpnctl setconf: make a device just what a file says
 * @argc: number of words
 * @argv: "setconf", the interface, the file
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_setconf(int argc, char *argv[])
{
	return configure(argc, argv, SYNC_REPLACE);
}

/**
 * cmd_addconf() - toyvpnctl addconf: change what a file names, leave the rest
 * @argc: number of words
 * @argv: "addconf", the interface, the file
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_addconf(int argc, char *argv[])
{
	return configure(argc, argv, SYNC_ADD);
}

/**
 * cmd_syncconf() - toyvpnctl syncconf: like setconf, without touching what does not differ
 * @argc: number of words
 * @argv: "syncconf", the interface, the file
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_syncconf(int argc, char *argv[])
{
	return configure(argc, argv, SYNC_DIFFERENCES);
}

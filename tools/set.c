// SPDX-License-Identifier: GPL-2.0
#include "apply.h"
#include "commands.h"
#include "config.h"
#include "device.h"
#include "fetch.h"
#include "genl.h"
#include "help.h"

/**
 * cmd_set() - toyvpnctl set: change a device by the words of the command line
 * @argc: number of words
 * @argv: "set", the interface, what to change
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_set(int argc, char *argv[])
{
	struct device want = { 0 }, now = { 0 };
	struct genl *genl = NULL;
	bool good;

	if (argc < 3)
		return usage(argv[0]);
	good = config_from_words(&want, argc - 2, argv + 2) &&
	       (genl = genl_open()) &&
	       fetch_device(genl, argv[1], &now);
	if (good) {
		leave_out_own(&want, &now);
		good = config_resolve(&want, NULL) && apply(genl, &now, &want);
	}
	device_clear(&want);
	device_clear(&now);
	if (genl)
		genl_close(genl);
	return good;
}

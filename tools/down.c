// SPDX-License-Identifier: GPL-2.0
/* down: undo what "up" did. */
#include "commands.h"
#include "dns.h"
#include "help.h"
#include "report.h"
#include "tunnel.h"

/**
 * cmd_down() - toyvpnctl down: undo just what "up" did
 * @argc: number of words
 * @argv: "down", the name or the file of a tunnel
 *
 * The file is not read.
 *
 * Return: whether all of it is undone; if not, the user has been told.
 */
bool cmd_down(int argc, char *argv[])
{
	struct tunnel tunnel = { .record.lock = -1 };
	bool good;

	if (argc != 2)
		return usage(argv[0]);
	good = quick_locate(&tunnel.quick, argv[1]) &&
	       tunnel_open(&tunnel, tunnel.quick.ifname);
	if (good && !tunnel.record.is_new)
		good = tunnel_undo(&tunnel, false);
	else if (good && dns_is_left(tunnel.quick.ifname) &&
		 !record_is_anywhere(tunnel.quick.ifname))
		good = dns_put_back(tunnel.quick.ifname);
	else if (good)
		good = fail("%s is not up", tunnel.quick.ifname);
	tunnel_close(&tunnel);
	return good;
}

// SPDX-License-Identifier: GPL-2.0
/* reload: change a tunnel as its file was changed. */
#include <signal.h>

#include "commands.h"
#include "help.h"
#include "login.h"
#include "report.h"
#include "tunnel.h"
#include "watch.h"

/* Who goes on with the tunnel reads its file again. */
static bool tell(const struct tunnel *tunnel, enum record_role role)
{
	pid_t process = record_find_role(&tunnel->record, role);

	return process && !kill(process, SIGHUP);
}

static bool reload(struct tunnel *tunnel, struct watch *watch)
{
	const char *ifname = tunnel->quick.ifname;

	if (!tunnel_open(tunnel, ifname))
		return false;
	if (tunnel->record.is_new)
		return fail("%s is not up", ifname);
	if (!tunnel_is_complete(tunnel))
		return fail("%s: \"up\" did not come to its end: \"toyvpnctl down %s\" undoes it",
			    ifname, ifname);
	if (!tunnel_find_link(tunnel) || !login_prepare(&tunnel->quick, false) ||
	    !watch_resolve(watch, tunnel, false) || !tunnel_reload(tunnel))
		return false;
	tell(tunnel, RECORD_WATCHES);
	if (!tell(tunnel, RECORD_SERVES) && tunnel->quick.n_pool)
		warn("%s: peers that are not in its file stay until \"serve\" runs", ifname);
	return true;
}

/**
 * cmd_reload() - toyvpnctl reload: change of a tunnel only what differs from its file
 * @argc: number of words
 * @argv: "reload", the name or the file of a tunnel
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_reload(int argc, char *argv[])
{
	struct tunnel tunnel = { .record.lock = -1 };
	struct watch watch = { 0 };
	bool good;

	if (argc != 2)
		return usage(argv[0]);
	good = quick_read(&tunnel.quick, argv[1]) && reload(&tunnel, &watch);
	watch_free(&watch);
	tunnel_close(&tunnel);
	return good;
}

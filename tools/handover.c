// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of whole tunnels, as toyvpnctl has them: it becomes another program. That one needs
 * libraries which take longer to load than most of the other commands take to run.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"

/* The other program is beside this one, as they are built, or in libexec, as they are installed. */
static bool hand_over(int argc, char *argv[])
{
	char self[PATH_MAX] = "", path[PATH_MAX + 64], *dir;

	(void)argc;
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return fail("/proc/self/exe: %s", strerror(errno));
	dir = dirname(self);
	snprintf(path, sizeof(path), "%s/toyvpn-tunnel", dir);
	if (access(path, X_OK))
		snprintf(path, sizeof(path), "%s/libexec/toyvpn/toyvpn-tunnel", dirname(dir));
	/* Before the command there is the name that this program was called by. */
	execv(path, argv - 1);
	return fail("%s needs %s: %s", argv[0], path, strerror(errno));
}

__alias(hand_over) bool cmd_up(int argc, char *argv[]);
__alias(hand_over) bool cmd_down(int argc, char *argv[]);
__alias(hand_over) bool cmd_reload(int argc, char *argv[]);
__alias(hand_over) bool cmd_serve(int argc, char *argv[]);
__alias(hand_over) bool cmd_lease(int argc, char *argv[]);

/* SPDX-License-Identifier: GPL-2.0 */
/* Makes a device what is wanted, by what it is now. */
#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>

struct device;
struct genl;

/* What becomes of what is not named. */
enum sync_mode {
	SYNC_ADD,		/* it stays */
	SYNC_REPLACE,		/* it goes back to its default, and peers go */
	SYNC_DIFFERENCES,	/* likewise, but nothing is touched that need not be */
	SYNC_SERVER,		/* likewise, but peers stay: they may be its clients */
};

bool sync_device(struct genl *genl, const char *ifname, struct device *want,
		 enum sync_mode mode, const char *path);

#endif

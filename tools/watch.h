/* SPDX-License-Identifier: GPL-2.0 */
/* Waits until a tunnel is connected, or keeps it connected. */
#ifndef WATCH_H
#define WATCH_H

#include <stdbool.h>

#include "resolve.h"
#include "tunnel.h"

struct client;

/**
 * struct watch - a tunnel that is watched
 * @tunnel: the tunnel
 * @clients: the peers that have an endpoint in the file
 * @n: how many
 * @forever: keep it connected
 * @over: somebody took it down while its peers' addresses were looked for
 */
struct watch {
	struct tunnel *tunnel;
	struct client *clients;
	size_t n;
	bool forever;
	bool over;
};

/* What a watch came to. */
enum watch_end {
	WATCH_CONNECTED,	/* all peers are, or as many as can be */
	WATCH_FAILED,		/* none is; the user has been told */
	WATCH_OVER,		/* the tunnel was taken down, or the user wants no more */
	WATCH_AGAIN,		/* the file shall be read again */
	WATCH_LOST,		/* the link is gone, the record is not; the user has been told */
};

bool watch_resolve(struct watch *watch, struct tunnel *tunnel, bool forever);
enum watch_end watch_run(struct watch *watch);
void watch_free(struct watch *watch);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* A whole tunnel on this host: made, changed and undone as its record and its file have it. */
#ifndef TUNNEL_H
#define TUNNEL_H

#include <stdbool.h>

#include "quick.h"
#include "record.h"
#include "rtnl.h"

/**
 * struct tunnel - a tunnel
 * @quick: as its file has it; endpoints are resolved before tunnel_change()
 * @record: what was done for it
 * @rtnl: the network of this host
 * @genl: the kernel module
 * @ifindex: its link, 0 if there is none
 * @mark: mark of its packets, 0 for none
 * @mtu: of its link
 * @most: what the file or the server wants it to be at most; 0 for what fits
 * @least: what it has to be at least
 */
struct tunnel {
	struct quick quick;
	struct record record;
	struct rtnl rtnl;
	struct genl *genl;
	uint32_t ifindex;
	uint32_t mark;
	uint32_t mtu;
	uint32_t most;
	uint32_t least;
};

bool tunnel_open(struct tunnel *tunnel, const char *ifname);
void tunnel_close(struct tunnel *tunnel);
bool tunnel_find_link(struct tunnel *tunnel);
bool tunnel_is_complete(const struct tunnel *tunnel);

bool tunnel_change(struct tunnel *tunnel, const struct configblob *given);
bool tunnel_reload(struct tunnel *tunnel);
void tunnel_note_unapplied(struct tunnel *tunnel);
bool tunnel_fit(struct tunnel *tunnel);
bool tunnel_undo(struct tunnel *tunnel, bool closed);
bool tunnel_connect(struct tunnel *tunnel, const struct peer *peer,
		    const union endpoint *endpoint);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A step on the way to a tunnel: a link, an address, a route. What it does is an array of words in
 * the record, of which the first one is its kind.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stddef.h>

#include "sysctl.h"
#include "tunnel.h"

/* Room for what a step found */
#define STEP_WAS_SIZE	SYSCTL_VALUE_SIZE

enum {
	STEP_AGAIN = 1,		/* done also if it was done before: it knows itself what differs */
	STEP_ONE = 2,		/* takes the place of another of its kind */
	STEP_SHARED = 4,	/* tunnels that need the same have it together */
	STEP_COMMAND = 8,	/* the user's: it has its moment */
};

/**
 * struct step_change - a tunnel while it is changed
 * @tunnel: the tunnel
 * @quick: its file, with what the server gave
 * @is_reload: it was complete before
 */
struct step_change {
	struct tunnel *tunnel;
	const struct quick *quick;
	bool is_reload;
};

/**
 * struct step_kind - steps of one kind
 * @name: its name, the first word of what its steps do
 * @flags: STEP_*
 * @look: what is there before one is done, for @undo; NULL: that does not matter
 * @act: do one
 * @undo: undo one; @was is what @look found, or NULL
 *
 * Each returns whether it worked; if not, the user has been told.
 */
struct step_kind {
	const char *name;
	unsigned int flags;
	bool (*look)(json_object *did, char was[static STEP_WAS_SIZE]);
	bool (*act)(const struct step_change *change, json_object *did);
	bool (*undo)(struct tunnel *tunnel, json_object *did, const char *was);
};

const char *step_word(json_object *did, size_t i);
const struct step_kind *step_kind(json_object *did);

#endif

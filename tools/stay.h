/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a side stays connected to a peer: when to look its name up, when to begin a handshake and
 * with which of its addresses. Decisions alone, of what happened and when: nothing here knows a
 * socket or a clock.
 */
#ifndef STAY_H
#define STAY_H

#include <stdbool.h>
#include <stdint.h>

/* Times, milliseconds */
#define STAY_ATTEMPT	3000	/* for one address, while there are others: two INITs */
#define STAY_PATIENCE	10000	/* for the kernel to renew a session by itself */
#define STAY_QUIET	300	/* a network that changes is left alone until it is so long quiet */
#define STAY_RESTLESS	3000	/* but no longer than this */
#define STAY_WAIT_FIRST	1000	/* after all addresses failed; doubles each time */
#define STAY_WAIT_LAST	300000
#define STAY_NEVER	UINT64_MAX

/* What to do. */
enum stay_action {
	STAY_RESOLVE = 1,	/* look the name up; stay_resolved() when that is done */
	STAY_CONNECT = 2,	/* begin a handshake with the address @current */
	STAY_COMPARE = 4,	/* has the way to the peer changed? If so, stay_hurry() */
};

/* What the kernel says of a peer. */
enum stay_peer {
	STAY_PEER_TRYING,	/* a first handshake is under way */
	STAY_PEER_CONNECTED,
	STAY_PEER_RENEWING,	/* there was a session, and the next is not answered */
	STAY_PEER_GONE,		/* there is no session, and nothing tries to make one */
	STAY_PEER_REFUSED,	/* likewise, because the peer does not want to */
};

/**
 * struct stay - how it stands with one peer
 * @n: addresses of the peer
 * @current: the one in use
 * @tried: how many were tried since the last success, or since the last wait
 * @connected: there is a session
 * @deadline: when to go on to the next address, or to try again; or STAY_NEVER
 * @waiting: all addresses failed, and @deadline ends a pause
 * @failures: how often all of them failed, one after another
 * @changed: when the network began to change; STAY_NEVER if it does not
 * @settles: when it counts as quiet
 * @resolving: the name is being looked up
 */
struct stay {
	unsigned int n;
	unsigned int current;
	unsigned int tried;
	bool connected;
	uint64_t deadline;
	bool waiting;
	unsigned int failures;
	uint64_t changed;
	uint64_t settles;
	bool resolving;
};

void stay_init(struct stay *stay);
unsigned int stay_begin(struct stay *stay, uint64_t now);
unsigned int stay_resolved(struct stay *stay, uint64_t now, unsigned int n, int current);
unsigned int stay_heard(struct stay *stay, uint64_t now, enum stay_peer peer, uint32_t random);
void stay_changed(struct stay *stay, uint64_t now);
unsigned int stay_hurry(struct stay *stay, uint64_t now);
unsigned int stay_passed(struct stay *stay, uint64_t now, uint32_t random);
uint64_t stay_deadline(const struct stay *stay);

#endif

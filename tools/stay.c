// SPDX-License-Identifier: GPL-2.0
#include "stay.h"

/**
 * stay_init() - know nothing of a peer
 * @stay: the peer
 */
void stay_init(struct stay *stay)
{
	*stay = (struct stay){
		.deadline = STAY_NEVER, .changed = STAY_NEVER, .settles = STAY_NEVER,
	};
}

/* Try the current address. The last one is left to the kernel's own patience. */
static unsigned int try(struct stay *stay, uint64_t now)
{
	stay->tried++;
	stay->waiting = false;
	stay->deadline = now + STAY_ATTEMPT;
	return STAY_CONNECT;
}

/* The pause after a failure: twice as long each time, and then half to one and a half of that. */
static uint64_t pause_of(const struct stay *stay, uint32_t random)
{
	uint64_t pause = STAY_WAIT_FIRST;
	unsigned int i;

	for (i = 1; i < stay->failures && pause < STAY_WAIT_LAST; i++)
		pause *= 2;
	if (pause > STAY_WAIT_LAST)
		pause = STAY_WAIT_LAST;
	return pause / 2 + pause * random / UINT32_MAX;
}

static unsigned int give_up(struct stay *stay, uint64_t now, uint32_t random)
{
	stay->failures++;
	stay->tried = 0;
	stay->waiting = true;
	stay->deadline = now + pause_of(stay, random);
	return 0;
}

static unsigned int resolve(struct stay *stay)
{
	if (stay->resolving)
		return 0;
	stay->resolving = true;
	return STAY_RESOLVE;
}

/**
 * stay_begin() - begin with a peer whose addresses are not known
 * @stay: the peer
 * @now: what time it is, milliseconds
 *
 * Return: what to do, STAY_*.
 */
unsigned int stay_begin(struct stay *stay, uint64_t now)
{
	(void)now;
	return resolve(stay);
}

/**
 * stay_resolved() - the name was looked up
 * @stay: the peer
 * @now: what time it is
 * @n: addresses, 0 if that failed: those of before hold
 * @current: which of them is the one in use, or -1 if none is
 *
 * Return: what to do, STAY_*.
 */
unsigned int stay_resolved(struct stay *stay, uint64_t now, unsigned int n, int current)
{
	stay->resolving = false;
	if (!n) {
		/* With none at all, a pause; with those of before, what is under way goes on. */
		return stay->n || stay->waiting ? 0 : give_up(stay, now, UINT32_MAX / 2);
	}
	stay->n = n;
	if (current >= 0) {
		stay->current = (unsigned int)current;
		return stay->tried || stay->connected ? 0 : try(stay, now);
	}
	stay->current = 0;
	stay->tried = 0;
	return try(stay, now);
}

/**
 * stay_heard() - the kernel says how it stands with a peer
 * @stay: the peer
 * @now: what time it is
 * @peer: how it stands
 * @random: a random number
 *
 * Return: what to do, STAY_*.
 */
unsigned int stay_heard(struct stay *stay, uint64_t now, enum stay_peer peer, uint32_t random)
{
	bool was = stay->connected;

	stay->connected = peer == STAY_PEER_CONNECTED;
	switch (peer) {
	case STAY_PEER_CONNECTED:
		stay->failures = 0;
		stay->tried = 0;
		stay->waiting = false;
		stay->deadline = STAY_NEVER;
		return 0;
	case STAY_PEER_RENEWING:
		/* An attempt of ours that is under way has its own deadline. */
		if (was && stay->deadline == STAY_NEVER) {
			stay->tried = 1;
			stay->deadline = now + STAY_PATIENCE;
		}
		return 0;
	case STAY_PEER_GONE:
		return was || stay->deadline == STAY_NEVER ? stay_hurry(stay, now) : 0;
	case STAY_PEER_REFUSED:
		return stay->waiting ? 0 : give_up(stay, now, random);
	case STAY_PEER_TRYING:
		break;
	}
	return 0;
}

/**
 * stay_changed() - something about the network changed, and more may
 * @stay: the peer
 * @now: what time it is
 */
void stay_changed(struct stay *stay, uint64_t now)
{
	if (stay->changed == STAY_NEVER)
		stay->changed = now;
	stay->settles = now + STAY_QUIET;
	if (stay->settles > stay->changed + STAY_RESTLESS)
		stay->settles = stay->changed + STAY_RESTLESS;
}

/**
 * stay_hurry() - connect again at once: the way to the peer is another, this machine was suspended,
 * or the session is gone
 * @stay: the peer
 * @now: what time it is
 *
 * Return: what to do, STAY_*.
 */
unsigned int stay_hurry(struct stay *stay, uint64_t now)
{
	unsigned int todo = resolve(stay);

	stay->failures = 0;
	stay->tried = 0;
	/* The address of before is tried while the name is looked up. */
	return stay->n ? todo | try(stay, now) : todo;
}

/**
 * stay_passed() - time has passed
 * @stay: the peer
 * @now: what time it is
 * @random: a random number
 *
 * Return: what to do, STAY_*.
 */
unsigned int stay_passed(struct stay *stay, uint64_t now, uint32_t random)
{
	unsigned int todo = 0;

	if (now >= stay->settles) {
		stay->changed = STAY_NEVER;
		stay->settles = STAY_NEVER;
		todo |= STAY_COMPARE;
	}
	if (now < stay->deadline)
		return todo;
	if (stay->waiting) {
		todo |= resolve(stay);
		stay->tried = 0;
		stay->deadline = STAY_NEVER;
		stay->waiting = false;
		return stay->n ? todo | try(stay, now) : todo;
	}
	if (stay->tried >= stay->n)
		return todo | give_up(stay, now, random);
	stay->current = (stay->current + 1) % stay->n;
	return todo | try(stay, now);
}

/**
 * stay_deadline() - when stay_passed() has to be called at the latest
 * @stay: the peer
 *
 * Return: the time, or STAY_NEVER.
 */
uint64_t stay_deadline(const struct stay *stay)
{
	return stay->settles < stay->deadline ? stay->settles : stay->deadline;
}

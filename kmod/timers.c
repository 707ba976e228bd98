// SPDX-License-Identifier: GPL-2.0
#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/minmax.h>

#include "message.h"
#include "timers.h"

/* Data was sent this long ago and nothing came back, not even the keepalive */
#define SILENCE_TIMEOUT	(TOYVPN_KEEPALIVE_TIMEOUT + TOYVPN_RETRY_MAX)

/* 1, 2, 4, then every 5 s */
static u64 retry_interval(u32 attempts)
{
	if (!attempts)
		return 0;
	if (attempts > 3)
		return TOYVPN_RETRY_MAX;
	return (u64)NSEC_PER_SEC << (attempts - 1);
}

static void end_handshake(struct toyvpn_timers *timers)
{
	WRITE_ONCE(timers->retry_at, 0);
	WRITE_ONCE(timers->give_up_at, 0);
	WRITE_ONCE(timers->attempts, 0);
}

/*
 * Whatever ended the handshake before, INITs keep their distance: a peer that
 * refuses, or a packet that asks anew each time, makes no flood.
 */
static u64 want_handshake(struct toyvpn_timers *timers, u64 now)
{
	u64 at = now;

	if (READ_ONCE(timers->retry_at))
		return 0;
	if (timers->last_init)
		at = max(now, timers->last_init + NSEC_PER_SEC);
	WRITE_ONCE(timers->attempts, 0);
	WRITE_ONCE(timers->give_up_at, at + TOYVPN_REKEY_ATTEMPT_TIME);
	WRITE_ONCE(timers->retry_at, at);
	return at;
}

static void sent(struct toyvpn_timers *timers, u64 now)
{
	WRITE_ONCE(timers->last_traffic, now);
	if (READ_ONCE(timers->keepalive_at))
		WRITE_ONCE(timers->keepalive_at, 0);
}

static void received(struct toyvpn_timers *timers, u64 now)
{
	WRITE_ONCE(timers->last_traffic, now);
	if (READ_ONCE(timers->silence_at))
		WRITE_ONCE(timers->silence_at, 0);
}

/**
 * toyvpn_timers_event() - something happened
 * @timers: the peer's
 * @event: what
 * @now: time, ns
 * @jitter: random, 0 to TOYVPN_RETRY_JITTER; used where the protocol says so
 *
 * Any context. Handshake events of one peer must be serialised by the caller;
 * events of data need not.
 *
 * Return: the deadline that it set, ns; 0 if none is earlier than before.
 */
u64 toyvpn_timers_event(struct toyvpn_timers *timers, enum toyvpn_timers_event event,
			u64 now, u64 jitter)
{
	u32 attempts;
	u64 at = 0;

	switch (event) {
	case TOYVPN_EVENT_HANDSHAKE_WANTED:
		at = want_handshake(timers, now);
		break;
	case TOYVPN_EVENT_CONNECT_WANTED:
		at = now;
		WRITE_ONCE(timers->attempts, 0);
		WRITE_ONCE(timers->give_up_at, now + TOYVPN_REKEY_ATTEMPT_TIME);
		WRITE_ONCE(timers->retry_at, at);
		break;
	case TOYVPN_EVENT_INIT_SENT:
		attempts = READ_ONCE(timers->attempts) + 1;
		at = now + retry_interval(attempts) + jitter;
		WRITE_ONCE(timers->attempts, attempts);
		WRITE_ONCE(timers->last_init, now);
		WRITE_ONCE(timers->retry_at, at);
		/* Ended by another CPU between the decision and now: still not for ever */
		if (!READ_ONCE(timers->give_up_at))
			WRITE_ONCE(timers->give_up_at, now + TOYVPN_REKEY_ATTEMPT_TIME);
		break;
	case TOYVPN_EVENT_HANDSHAKE_ENDED:
		end_handshake(timers);
		break;
	case TOYVPN_EVENT_SESSION_MADE:
		at = now + TOYVPN_ERASE_AFTER_TIME;
		WRITE_ONCE(timers->erase_at, at);
		break;
	case TOYVPN_EVENT_SESSION_READY:
		end_handshake(timers);
		received(timers, now);
		break;
	case TOYVPN_EVENT_DATA_SENT:
		sent(timers, now);
		if (READ_ONCE(timers->silence_at))
			break;
		at = now + SILENCE_TIMEOUT + jitter;
		WRITE_ONCE(timers->silence_at, at);
		break;
	case TOYVPN_EVENT_KEEPALIVE_SENT:
		sent(timers, now);
		break;
	case TOYVPN_EVENT_DATA_RECEIVED:
		received(timers, now);
		if (READ_ONCE(timers->keepalive_at))
			break;
		at = now + TOYVPN_KEEPALIVE_TIMEOUT;
		WRITE_ONCE(timers->keepalive_at, at);
		break;
	case TOYVPN_EVENT_KEEPALIVE_RECEIVED:
		received(timers, now);
		break;
	case TOYVPN_EVENT_ERASED:
		end_handshake(timers);
		WRITE_ONCE(timers->keepalive_at, 0);
		WRITE_ONCE(timers->silence_at, 0);
		WRITE_ONCE(timers->erase_at, 0);
		WRITE_ONCE(timers->expire_at, 0);
		break;
	}
	return at;
}

static u64 persistent_at(const struct toyvpn_timers *timers)
{
	u64 interval = READ_ONCE(timers->persistent);

	return interval ? READ_ONCE(timers->last_traffic) + interval : 0;
}

static bool due(u64 at, u64 now)
{
	return at && at <= now;
}

/**
 * toyvpn_timers_run() - what is to be done by now
 * @timers: the peer's
 * @now: time, ns
 *
 * What it returns counts as done, but for an INIT: that is asked for until
 * TOYVPN_EVENT_INIT_SENT. Calls for one peer must be serialised.
 *
 * Return: TOYVPN_ACTION_* flags.
 */
unsigned int toyvpn_timers_run(struct toyvpn_timers *timers, u64 now)
{
	unsigned int actions = 0;
	u64 expire_at;

	if (due(READ_ONCE(timers->erase_at), now)) {
		WRITE_ONCE(timers->erase_at, 0);
		actions |= TOYVPN_ACTION_ERASE;
	}
	/* Unless there is a newer session by now, which is ready on another CPU */
	expire_at = READ_ONCE(timers->expire_at);
	if (due(expire_at, now) && cmpxchg64(&timers->expire_at, expire_at, 0) == expire_at)
		actions |= TOYVPN_ACTION_EXPIRED;
	if (due(READ_ONCE(timers->keepalive_at), now)) {
		WRITE_ONCE(timers->keepalive_at, 0);
		actions |= TOYVPN_ACTION_SEND_KEEPALIVE;
	}
	if (due(persistent_at(timers), now)) {
		WRITE_ONCE(timers->last_traffic, now);
		actions |= TOYVPN_ACTION_SEND_KEEPALIVE;
	}
	if (due(READ_ONCE(timers->silence_at), now)) {
		WRITE_ONCE(timers->silence_at, 0);
		actions |= TOYVPN_ACTION_SILENCE;
		want_handshake(timers, now);
	}
	if (due(READ_ONCE(timers->give_up_at), now)) {
		end_handshake(timers);
		actions |= TOYVPN_ACTION_GIVE_UP;
	} else if (due(READ_ONCE(timers->retry_at), now)) {
		actions |= TOYVPN_ACTION_SEND_INIT;
	}
	return actions;
}

/**
 * toyvpn_timers_init_due() - whether an INIT is still to be sent
 * @timers: the peer's
 * @now: time, ns
 *
 * For who was told so by toyvpn_timers_run() and has waited for a lock since.
 *
 * Return: whether it is.
 */
bool toyvpn_timers_init_due(const struct toyvpn_timers *timers, u64 now)
{
	return due(READ_ONCE(timers->retry_at), now);
}

static u64 earlier(u64 a, u64 b)
{
	if (!a || !b)
		return a + b;
	return min(a, b);
}

/**
 * toyvpn_timers_next() - when to call toyvpn_timers_run() next
 * @timers: the peer's
 *
 * Any context.
 *
 * Return: time, ns; 0 for never.
 */
u64 toyvpn_timers_next(const struct toyvpn_timers *timers)
{
	u64 next = READ_ONCE(timers->retry_at);

	next = earlier(next, READ_ONCE(timers->give_up_at));
	next = earlier(next, READ_ONCE(timers->keepalive_at));
	next = earlier(next, READ_ONCE(timers->silence_at));
	next = earlier(next, READ_ONCE(timers->erase_at));
	next = earlier(next, READ_ONCE(timers->expire_at));
	return earlier(next, persistent_at(timers));
}

/**
 * toyvpn_timers_set_expiry() - says when the session that is sent on ends
 * @timers: the peer's
 * @at: time, ns; takes the place of that of the session before
 *
 * Any context.
 */
void toyvpn_timers_set_expiry(struct toyvpn_timers *timers, u64 at)
{
	WRITE_ONCE(timers->expire_at, at);
}

/**
 * toyvpn_timers_set_persistent() - sets the persistent keepalive
 * @timers: the peer's
 * @interval: ns, 0 for off
 * @now: time, ns; the first interval begins here
 */
void toyvpn_timers_set_persistent(struct toyvpn_timers *timers, u64 interval, u64 now)
{
	WRITE_ONCE(timers->last_traffic, now);
	WRITE_ONCE(timers->persistent, interval);
}

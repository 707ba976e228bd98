// SPDX-License-Identifier: GPL-2.0
/* timers.c: what section 5 of PROTOCOL.md has a peer wait for, and section 7 where it says more */
#include <linux/bits.h>
#include <linux/string.h>

#include "../message.h"
#include "../timers.h"
#include "tests.h"

#define SECOND		((u64)NSEC_PER_SEC)
#define NOW		(1000 * SECOND)
#define NO_JITTER	0
#define JITTER		(333 * (u64)NSEC_PER_MSEC)

#define SEND_INIT	TOYVPN_ACTION_SEND_INIT
#define SEND_KEEPALIVE	TOYVPN_ACTION_SEND_KEEPALIVE
#define GIVE_UP		TOYVPN_ACTION_GIVE_UP
#define ERASE		TOYVPN_ACTION_ERASE
#define SILENCE		TOYVPN_ACTION_SILENCE
#define EXPIRED		TOYVPN_ACTION_EXPIRED

static int timers_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct toyvpn_timers), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static u64 event(struct kunit *test, enum toyvpn_timers_event which, u64 now)
{
	return toyvpn_timers_event(test->priv, which, now, NO_JITTER);
}

static unsigned int run(struct kunit *test, u64 now)
{
	return toyvpn_timers_run(test->priv, now);
}

static u64 next(struct kunit *test)
{
	return toyvpn_timers_next(test->priv);
}

/* Next comes @actions, at @at and not a moment before */
static void expect_next(struct kunit *test, u64 at, unsigned int actions)
{
	KUNIT_EXPECT_EQ(test, at, next(test));
	KUNIT_EXPECT_EQ(test, 0, run(test, at - 1));
	KUNIT_EXPECT_EQ(test, at, next(test));
	KUNIT_EXPECT_EQ(test, actions, run(test, at));
}

static void expect_idle(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, next(test));
	KUNIT_EXPECT_EQ(test, 0, run(test, NOW + 1000000 * SECOND));
}

/* An INIT comes next, and is sent */
static void expect_init(struct kunit *test, u64 at, u64 jitter)
{
	expect_next(test, at, SEND_INIT);
	KUNIT_EXPECT_TRUE(test, toyvpn_timers_event(test->priv, TOYVPN_EVENT_INIT_SENT, at,
						    jitter));
}

/* A handshake that begins at NOW, its first INIT sent */
static void begin_handshake(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW));
	expect_init(test, NOW, NO_JITTER);
}

static void nothing_to_wait_for(struct kunit *test)
{
	expect_idle(test);
}

/* RETRY and REKEY_ATTEMPT_TIME: 1, 2, 4, then every 5 s, until 90 s are over */
static void retries_until_it_gives_up(struct kunit *test)
{
	u64 at;

	begin_handshake(test);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
	expect_init(test, NOW + 3 * SECOND, NO_JITTER);
	for (at = 7; at < 90; at += 5)
		expect_init(test, NOW + at * SECOND, NO_JITTER);
	expect_next(test, NOW + 90 * SECOND, GIVE_UP);
	expect_idle(test);
}

/* Each plus 0 to 333 ms, counted from when the INIT before was sent */
static void retries_have_jitter(struct kunit *test)
{
	u64 at = NOW;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW));
	for (i = 0; at < NOW + 90 * SECOND; i++) {
		expect_init(test, at, JITTER);
		at += (i < 3 ? 1 << i : 5) * SECOND + JITTER;
	}
	KUNIT_EXPECT_EQ(test, i, 19);
	expect_next(test, NOW + 90 * SECOND, GIVE_UP);
	expect_idle(test);
}

/* The work item may be late: the next retry is late too, the end is not */
static void retries_when_the_machine_is_slow(struct kunit *test)
{
	begin_handshake(test);
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW + 30 * SECOND));
	event(test, TOYVPN_EVENT_INIT_SENT, NOW + 31 * SECOND);
	expect_init(test, NOW + 33 * SECOND, NO_JITTER);
	KUNIT_EXPECT_EQ(test, GIVE_UP, run(test, NOW + 95 * SECOND));
	expect_idle(test);
}

/* An INIT is asked for until it was sent */
static void init_that_was_not_sent(struct kunit *test)
{
	struct toyvpn_timers *timers = test->priv;

	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW);
	KUNIT_EXPECT_FALSE(test, toyvpn_timers_init_due(timers, NOW - 1));
	KUNIT_EXPECT_TRUE(test, toyvpn_timers_init_due(timers, NOW));
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW));
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW));
	KUNIT_EXPECT_TRUE(test, toyvpn_timers_init_due(timers, NOW));
	event(test, TOYVPN_EVENT_INIT_SENT, NOW);
	KUNIT_EXPECT_FALSE(test, toyvpn_timers_init_due(timers, NOW));
	KUNIT_EXPECT_EQ(test, 0, run(test, NOW));
	event(test, TOYVPN_EVENT_HANDSHAKE_ENDED, NOW);
	KUNIT_EXPECT_FALSE(test, toyvpn_timers_init_due(timers, NOW + 100 * SECOND));
}

static void handshake_wanted_while_one_is_under_way(struct kunit *test)
{
	begin_handshake(test);
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + SECOND / 2));
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + 2 * SECOND));
	expect_init(test, NOW + 3 * SECOND, NO_JITTER);
}

static void handshake_after_it_gave_up(struct kunit *test)
{
	retries_until_it_gives_up(test);
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + 200 * SECOND));
	/* From the first interval on, with 90 seconds of its own */
	expect_init(test, NOW + 200 * SECOND, NO_JITTER);
	expect_init(test, NOW + 201 * SECOND, NO_JITTER);
	expect_init(test, NOW + 203 * SECOND, NO_JITTER);
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW + 290 * SECOND - 1));
	KUNIT_EXPECT_EQ(test, GIVE_UP, run(test, NOW + 290 * SECOND));
}

/* Section 7: INITs are a second apart, whatever ended the handshake before */
static void distance_of_inits_after_a_refusal(struct kunit *test)
{
	begin_handshake(test);
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_HANDSHAKE_ENDED, NOW + SECOND / 10));
	expect_idle(test);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + SECOND / 5);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
}

static void distance_of_inits_after_a_session(struct kunit *test)
{
	begin_handshake(test);
	event(test, TOYVPN_EVENT_SESSION_READY, NOW + SECOND / 10);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + SECOND / 5);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
}

static void distance_of_inits_after_erasure(struct kunit *test)
{
	begin_handshake(test);
	event(test, TOYVPN_EVENT_ERASED, NOW + SECOND / 10);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + SECOND / 5);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
}

/* The 90 s begin with the first INIT, not with the wish for it */
static void give_up_counts_from_the_first_init(struct kunit *test)
{
	begin_handshake(test);
	event(test, TOYVPN_EVENT_HANDSHAKE_ENDED, NOW + SECOND / 10);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + SECOND / 5);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW + 91 * SECOND - 1));
	KUNIT_EXPECT_EQ(test, GIVE_UP, run(test, NOW + 91 * SECOND));
}

/* A RESP that comes between the decision to send an INIT and the INIT */
static void init_sent_after_the_handshake_ended(struct kunit *test)
{
	u64 at;

	begin_handshake(test);
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW + SECOND));
	event(test, TOYVPN_EVENT_SESSION_READY, NOW + SECOND);
	event(test, TOYVPN_EVENT_INIT_SENT, NOW + SECOND);
	/* It is tried on as a handshake of its own, and not for ever */
	for (at = next(test); run(test, at) == SEND_INIT && at < NOW + 99 * SECOND; at = next(test))
		event(test, TOYVPN_EVENT_INIT_SENT, at);
	KUNIT_EXPECT_EQ(test, at, NOW + 91 * SECOND);
	expect_idle(test);
}

static void session_ends_the_retries(struct kunit *test)
{
	begin_handshake(test);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_SESSION_READY, NOW + 2 * SECOND));
	expect_idle(test);
}

/* The first INIT of the next handshake is followed by another after 1 s again */
static void retries_begin_anew_after_a_session(struct kunit *test)
{
	begin_handshake(test);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
	event(test, TOYVPN_EVENT_SESSION_READY, NOW + 2 * SECOND);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + 120 * SECOND);
	expect_init(test, NOW + 120 * SECOND, NO_JITTER);
	expect_init(test, NOW + 121 * SECOND, NO_JITTER);
}

/* A session that the responder made answers nothing yet: it must be confirmed first */
static void session_made_does_not_end_the_retries(struct kunit *test)
{
	begin_handshake(test);
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_SESSION_MADE, NOW + SECOND / 2));
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
}

/* KEEPALIVE_TIMEOUT: what was received and not answered by data */
static void keepalive_answers_data(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW));
	expect_next(test, NOW + 10 * SECOND, SEND_KEEPALIVE);
	event(test, TOYVPN_EVENT_KEEPALIVE_SENT, NOW + 10 * SECOND);
	expect_idle(test);
}

static void keepalive_counts_from_the_first_data(struct kunit *test)
{
	u64 at;

	for (at = 0; at < 10; at++)
		KUNIT_EXPECT_EQ(test, at ? 0 : NOW + 10 * SECOND,
				event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW + at * SECOND));
	expect_next(test, NOW + 10 * SECOND, SEND_KEEPALIVE);
}

static void data_is_an_answer(struct kunit *test)
{
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW);
	event(test, TOYVPN_EVENT_DATA_SENT, NOW + 9 * SECOND);
	event(test, TOYVPN_EVENT_KEEPALIVE_RECEIVED, NOW + 10 * SECOND);
	expect_idle(test);
	/* And the next data waits for an answer of its own */
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW + 20 * SECOND));
	expect_next(test, NOW + 30 * SECOND, SEND_KEEPALIVE);
}

static void keepalive_is_an_answer(struct kunit *test)
{
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW);
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_KEEPALIVE_SENT, NOW + SECOND));
	expect_idle(test);
}

/* Else two idle sides would keep each other awake */
static void keepalives_are_not_answered(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_KEEPALIVE_RECEIVED, NOW));
	expect_idle(test);
}

static void keepalive_sent_awaits_nothing(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_KEEPALIVE_SENT, NOW));
	expect_idle(test);
}

/* What the work item does late is done once */
static void keepalive_is_sent_once(struct kunit *test)
{
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW);
	KUNIT_EXPECT_EQ(test, SEND_KEEPALIVE, run(test, NOW + 60 * SECOND));
	KUNIT_EXPECT_EQ(test, 0, run(test, NOW + 60 * SECOND));
	expect_idle(test);
}

/* Section 7: data was sent and for 15 s nothing came back */
static void silence_begins_a_handshake(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, NOW + 15 * SECOND + JITTER,
			toyvpn_timers_event(test->priv, TOYVPN_EVENT_DATA_SENT, NOW, JITTER));
	expect_next(test, NOW + 15 * SECOND + JITTER, SILENCE | SEND_INIT);
	event(test, TOYVPN_EVENT_INIT_SENT, NOW + 16 * SECOND);
	expect_init(test, NOW + 17 * SECOND, NO_JITTER);
	/* 90 s after the silence was found */
	KUNIT_EXPECT_EQ(test, SEND_INIT, run(test, NOW + 105 * SECOND + JITTER - 1));
	KUNIT_EXPECT_EQ(test, GIVE_UP, run(test, NOW + 105 * SECOND + JITTER));
}

static void silence_counts_from_the_first_data(struct kunit *test)
{
	u64 at;

	for (at = 0; at < 15; at++)
		KUNIT_EXPECT_EQ(test, at ? 0 : NOW + 15 * SECOND,
				event(test, TOYVPN_EVENT_DATA_SENT, NOW + at * SECOND));
	expect_next(test, NOW + 15 * SECOND, SILENCE | SEND_INIT);
}

static void expect_no_silence_after(struct kunit *test, enum toyvpn_timers_event which)
{
	event(test, TOYVPN_EVENT_DATA_SENT, NOW);
	event(test, which, NOW + 14 * SECOND);
	if (which == TOYVPN_EVENT_DATA_RECEIVED)
		expect_next(test, NOW + 24 * SECOND, SEND_KEEPALIVE);
	expect_idle(test);
	/* What is sent then waits anew */
	event(test, TOYVPN_EVENT_DATA_SENT, NOW + 30 * SECOND);
	expect_next(test, NOW + 45 * SECOND, SILENCE | SEND_INIT);
}

static void data_ends_silence(struct kunit *test)
{
	expect_no_silence_after(test, TOYVPN_EVENT_DATA_RECEIVED);
}

static void keepalive_ends_silence(struct kunit *test)
{
	expect_no_silence_after(test, TOYVPN_EVENT_KEEPALIVE_RECEIVED);
}

static void session_ends_silence(struct kunit *test)
{
	expect_no_silence_after(test, TOYVPN_EVENT_SESSION_READY);
}

/* The path is doubted, but the handshake under way goes on as it was */
static void silence_during_a_handshake(struct kunit *test)
{
	event(test, TOYVPN_EVENT_DATA_SENT, NOW - 10 * SECOND);
	begin_handshake(test);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
	expect_init(test, NOW + 3 * SECOND, NO_JITTER);
	expect_next(test, NOW + 5 * SECOND, SILENCE);
	expect_init(test, NOW + 7 * SECOND, NO_JITTER);
	expect_init(test, NOW + 12 * SECOND, NO_JITTER);
}

/* Section 7 again: not even silence brings INITs closer together than a second */
static void silence_just_after_an_init(struct kunit *test)
{
	event(test, TOYVPN_EVENT_DATA_SENT, NOW - 15 * SECOND + SECOND / 2);
	begin_handshake(test);
	event(test, TOYVPN_EVENT_HANDSHAKE_ENDED, NOW);
	expect_next(test, NOW + SECOND / 2, SILENCE);
	expect_init(test, NOW + 1 * SECOND, NO_JITTER);
}

/* Keys are erased 3 x REJECT_AFTER_TIME after the newest session began */
static void keys_are_erased(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_SESSION_MADE, NOW));
	event(test, TOYVPN_EVENT_SESSION_READY, NOW);
	expect_next(test, NOW + 540 * SECOND, ERASE);
	expect_idle(test);
}

static void unconfirmed_keys_are_erased_too(struct kunit *test)
{
	event(test, TOYVPN_EVENT_SESSION_MADE, NOW);
	expect_next(test, NOW + 540 * SECOND, ERASE);
	expect_idle(test);
}

static void newer_keys_are_erased_later(struct kunit *test)
{
	event(test, TOYVPN_EVENT_SESSION_MADE, NOW);
	event(test, TOYVPN_EVENT_SESSION_READY, NOW);
	event(test, TOYVPN_EVENT_SESSION_MADE, NOW + 120 * SECOND);
	expect_next(test, NOW + 660 * SECOND, ERASE);
}

/* Traffic does not keep keys alive, nor does a handshake that nobody answers */
static void traffic_does_not_postpone_erasure(struct kunit *test)
{
	event(test, TOYVPN_EVENT_SESSION_MADE, NOW);
	event(test, TOYVPN_EVENT_SESSION_READY, NOW);
	event(test, TOYVPN_EVENT_DATA_SENT, NOW + 100 * SECOND);
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW + 101 * SECOND);
	event(test, TOYVPN_EVENT_KEEPALIVE_SENT, NOW + 111 * SECOND);
	event(test, TOYVPN_EVENT_KEEPALIVE_RECEIVED, NOW + 112 * SECOND);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW + 200 * SECOND);
	KUNIT_EXPECT_EQ(test, GIVE_UP, run(test, NOW + 290 * SECOND));
	expect_next(test, NOW + 540 * SECOND, ERASE);
}

/* Removal of the private key, suspension: nothing of a session is waited for any more */
static void erased_by_others(struct kunit *test)
{
	event(test, TOYVPN_EVENT_SESSION_MADE, NOW);
	event(test, TOYVPN_EVENT_DATA_SENT, NOW);
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW);
	event(test, TOYVPN_EVENT_DATA_SENT, NOW);
	begin_handshake(test);
	KUNIT_EXPECT_FALSE(test, event(test, TOYVPN_EVENT_ERASED, NOW + 1));
	expect_idle(test);
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW);
	event(test, TOYVPN_EVENT_ERASED, NOW + 1);
	expect_idle(test);
}

/* Only CPUs that race can leave silence and a keepalive at the same time */
static void all_at_once(struct kunit *test)
{
	struct toyvpn_timers *timers = test->priv;

	event(test, TOYVPN_EVENT_SESSION_MADE, NOW - 600 * SECOND);
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW - 200 * SECOND);
	event(test, TOYVPN_EVENT_DATA_RECEIVED, NOW - 60 * SECOND);
	timers->silence_at = NOW;
	KUNIT_EXPECT_EQ(test, ERASE | SEND_KEEPALIVE | SILENCE | GIVE_UP, run(test, NOW));
	expect_idle(test);
}

/* The persistent keepalive: an interval without traffic of either direction */
static void persistent_keepalives(struct kunit *test)
{
	u64 at;

	toyvpn_timers_set_persistent(test->priv, 25 * SECOND, NOW);
	for (at = NOW + 25 * SECOND; at < NOW + 99 * SECOND; at += 25 * SECOND) {
		expect_next(test, at, SEND_KEEPALIVE);
		event(test, TOYVPN_EVENT_KEEPALIVE_SENT, at);
	}
}

/* No session yet, so nothing was sent: the next try is an interval later all the same */
static void persistent_keepalive_that_was_not_sent(struct kunit *test)
{
	toyvpn_timers_set_persistent(test->priv, 25 * SECOND, NOW);
	expect_next(test, NOW + 25 * SECOND, SEND_KEEPALIVE);
	expect_next(test, NOW + 50 * SECOND, SEND_KEEPALIVE);
}

static void traffic_postpones_persistent_keepalives(struct kunit *test)
{
	static const enum toyvpn_timers_event traffic[] = {
		TOYVPN_EVENT_DATA_SENT, TOYVPN_EVENT_KEEPALIVE_SENT, TOYVPN_EVENT_DATA_RECEIVED,
		TOYVPN_EVENT_KEEPALIVE_RECEIVED,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(traffic); i++) {
		memset(test->priv, 0, sizeof(struct toyvpn_timers));
		toyvpn_timers_set_persistent(test->priv, 5 * SECOND, NOW);
		event(test, traffic[i], NOW + 4 * SECOND);
		expect_next(test, NOW + 9 * SECOND, SEND_KEEPALIVE);
	}
}

static void persistent_keepalives_switched_off(struct kunit *test)
{
	toyvpn_timers_set_persistent(test->priv, 25 * SECOND, NOW);
	toyvpn_timers_set_persistent(test->priv, 0, NOW + SECOND);
	expect_idle(test);
}

/* The interval begins when it is set, however long the peer was idle before */
static void persistent_keepalives_begin_an_interval_later(struct kunit *test)
{
	event(test, TOYVPN_EVENT_KEEPALIVE_SENT, NOW - 500 * SECOND);
	toyvpn_timers_set_persistent(test->priv, 25 * SECOND, NOW);
	expect_next(test, NOW + 25 * SECOND, SEND_KEEPALIVE);
}

/*
 * Whatever happens in whatever order: nothing is to be done before the deadline,
 * something is at the deadline, afterwards the next one lies ahead; and an event
 * that brings a deadline nearer says which, or nobody would set the clock.
 */
static void random_events(struct kunit *test)
{
	static const enum toyvpn_timers_event events[] = {
		TOYVPN_EVENT_HANDSHAKE_WANTED, TOYVPN_EVENT_HANDSHAKE_ENDED,
		TOYVPN_EVENT_SESSION_MADE, TOYVPN_EVENT_SESSION_READY,
		TOYVPN_EVENT_DATA_SENT, TOYVPN_EVENT_DATA_SENT, TOYVPN_EVENT_KEEPALIVE_SENT,
		TOYVPN_EVENT_DATA_RECEIVED, TOYVPN_EVENT_DATA_RECEIVED,
		TOYVPN_EVENT_KEEPALIVE_RECEIVED, TOYVPN_EVENT_ERASED,
	};
	u64 now = NOW, then, before, after, nearer, last_init = 0;
	unsigned int i, actions, seen = 0;
	struct rnd_state rnd;

	toyvpn_test_seed(test, &rnd, 4);
	for (i = 0; i < 20000; i++) {
		u64 jitter = toyvpn_test_random(&rnd, 334) * (u64)NSEC_PER_MSEC;

		before = next(test);
		/* Times of much and of little traffic: what lies far ahead comes in the latter */
		if (!before || !toyvpn_test_random(&rnd, i / 500 % 2 ? 40 : 2)) {
			then = now + toyvpn_test_random(&rnd, 2000) * (u64)NSEC_PER_MSEC;
			now = before ? max(now, min(then, before - 1)) : then;
			nearer = toyvpn_timers_event(test->priv,
						     events[toyvpn_test_random(&rnd,
									       ARRAY_SIZE(events))],
						     now, jitter);
			after = next(test);
			if (after && (!before || after < before))
				KUNIT_EXPECT_EQ(test, after, nearer);
			continue;
		}

		KUNIT_EXPECT_EQ(test, 0, run(test, before - 1));
		now = max(now, before);
		actions = run(test, now);
		KUNIT_EXPECT_NE(test, actions, 0);
		seen |= actions;
		if (actions & SEND_INIT) {
			KUNIT_EXPECT_GE(test, now, last_init + SECOND);
			last_init = now;
			toyvpn_timers_event(test->priv, TOYVPN_EVENT_INIT_SENT, now, jitter);
		}
		after = next(test);
		KUNIT_EXPECT_TRUE(test, !after || after > now);
		if (!toyvpn_test_random(&rnd, 50))
			toyvpn_timers_set_persistent(test->priv,
						     toyvpn_test_random(&rnd, 2) * 25 * SECOND,
						     now);
	}
	KUNIT_EXPECT_EQ(test, seen, SEND_INIT | SEND_KEEPALIVE | GIVE_UP | ERASE | SILENCE);
}

static void session_expires(struct kunit *test)
{
	toyvpn_timers_set_expiry(test->priv, NOW + 180 * SECOND);
	expect_next(test, NOW + 180 * SECOND, EXPIRED);
	expect_idle(test);
}

static void newer_session_expires_later(struct kunit *test)
{
	toyvpn_timers_set_expiry(test->priv, NOW + 180 * SECOND);
	toyvpn_timers_set_expiry(test->priv, NOW + 300 * SECOND);
	expect_next(test, NOW + 300 * SECOND, EXPIRED);
	expect_idle(test);
}

static void erased_session_does_not_expire(struct kunit *test)
{
	toyvpn_timers_set_expiry(test->priv, NOW + 180 * SECOND);
	event(test, TOYVPN_EVENT_ERASED, NOW);
	expect_idle(test);
}

/* A retry waits four seconds: now instead, although the last INIT is no second ago */
static void connects_whatever_waits(struct kunit *test)
{
	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW);
	expect_init(test, NOW, NO_JITTER);
	expect_init(test, NOW + SECOND, NO_JITTER);
	expect_init(test, NOW + 3 * SECOND, NO_JITTER);
	KUNIT_EXPECT_EQ(test, NOW + 7 * SECOND, next(test));
	KUNIT_EXPECT_TRUE(test, event(test, TOYVPN_EVENT_CONNECT_WANTED,
				      NOW + 3 * SECOND + SECOND / 2));
	expect_init(test, NOW + 3 * SECOND + SECOND / 2, NO_JITTER);
	expect_init(test, NOW + 4 * SECOND + SECOND / 2, NO_JITTER);
	expect_init(test, NOW + 6 * SECOND + SECOND / 2, NO_JITTER);
}

static void connects_as_if_it_were_the_first_time(struct kunit *test)
{
	u64 began = NOW + 80 * SECOND, at;
	unsigned int actions;

	event(test, TOYVPN_EVENT_HANDSHAKE_WANTED, NOW);
	event(test, TOYVPN_EVENT_CONNECT_WANTED, began);
	while ((at = next(test)) && at < began + 90 * SECOND) {
		actions = run(test, at);
		KUNIT_ASSERT_EQ(test, SEND_INIT, actions);
		event(test, TOYVPN_EVENT_INIT_SENT, at);
	}
	expect_next(test, began + 90 * SECOND, GIVE_UP);
	expect_idle(test);
}

static struct kunit_case timers_test_cases[] = {
	KUNIT_CASE(nothing_to_wait_for),
	KUNIT_CASE(retries_until_it_gives_up),
	KUNIT_CASE(retries_have_jitter),
	KUNIT_CASE(retries_when_the_machine_is_slow),
	KUNIT_CASE(init_that_was_not_sent),
	KUNIT_CASE(handshake_wanted_while_one_is_under_way),
	KUNIT_CASE(handshake_after_it_gave_up),
	KUNIT_CASE(distance_of_inits_after_a_refusal),
	KUNIT_CASE(distance_of_inits_after_a_session),
	KUNIT_CASE(distance_of_inits_after_erasure),
	KUNIT_CASE(give_up_counts_from_the_first_init),
	KUNIT_CASE(init_sent_after_the_handshake_ended),
	KUNIT_CASE(session_ends_the_retries),
	KUNIT_CASE(retries_begin_anew_after_a_session),
	KUNIT_CASE(session_made_does_not_end_the_retries),
	KUNIT_CASE(keepalive_answers_data),
	KUNIT_CASE(keepalive_counts_from_the_first_data),
	KUNIT_CASE(data_is_an_answer),
	KUNIT_CASE(keepalive_is_an_answer),
	KUNIT_CASE(keepalives_are_not_answered),
	KUNIT_CASE(keepalive_sent_awaits_nothing),
	KUNIT_CASE(keepalive_is_sent_once),
	KUNIT_CASE(silence_begins_a_handshake),
	KUNIT_CASE(silence_counts_from_the_first_data),
	KUNIT_CASE(data_ends_silence),
	KUNIT_CASE(keepalive_ends_silence),
	KUNIT_CASE(session_ends_silence),
	KUNIT_CASE(silence_during_a_handshake),
	KUNIT_CASE(silence_just_after_an_init),
	KUNIT_CASE(keys_are_erased),
	KUNIT_CASE(unconfirmed_keys_are_erased_too),
	KUNIT_CASE(newer_keys_are_erased_later),
	KUNIT_CASE(traffic_does_not_postpone_erasure),
	KUNIT_CASE(erased_by_others),
	KUNIT_CASE(all_at_once),
	KUNIT_CASE(persistent_keepalives),
	KUNIT_CASE(persistent_keepalive_that_was_not_sent),
	KUNIT_CASE(traffic_postpones_persistent_keepalives),
	KUNIT_CASE(persistent_keepalives_switched_off),
	KUNIT_CASE(persistent_keepalives_begin_an_interval_later),
	KUNIT_CASE(session_expires),
	KUNIT_CASE(newer_session_expires_later),
	KUNIT_CASE(erased_session_does_not_expire),
	KUNIT_CASE(connects_whatever_waits),
	KUNIT_CASE(connects_as_if_it_were_the_first_time),
	KUNIT_CASE(random_events),
	{}
};

static struct kunit_suite timers_test_suite = {
	.name = "toyvpn_timers",
	.init = timers_test_init,
	.test_cases = timers_test_cases,
};

kunit_test_suite(timers_test_suite);

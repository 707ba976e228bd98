// SPDX-License-Identifier: GPL-2.0
/*
 * The decisions of "up --stay", alone: a made-up time passes, and what is to be done is compared
 * with what should be. Prints KTAP.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../tools/stay.h"

/* The middle of the numbers: a pause is then what it is without jitter. */
#define MIDDLE	(UINT32_MAX / 2)

static unsigned int tests, failures;

static void check(const char *title, int good)
{
	tests++;
	failures += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, title);
}

/* A peer of @n addresses, connected at the time 0. */
static struct stay connected(unsigned int n)
{
	struct stay stay;

	stay_init(&stay);
	stay_begin(&stay, 0);
	stay_resolved(&stay, 0, n, 0);
	stay_heard(&stay, 0, STAY_PEER_CONNECTED, 0);
	return stay;
}

/* Let time pass until @end, in the steps that it asks for. Returns how often it wants @action. */
static unsigned int pass(struct stay *stay, uint64_t end, unsigned int action)
{
	unsigned int n = 0;

	while (stay_deadline(stay) <= end) {
		unsigned int todo = stay_passed(stay, stay_deadline(stay), MIDDLE);

		n += !!(todo & action);
		if (todo & STAY_RESOLVE)
			stay_resolved(stay, stay_deadline(stay), stay->n, (int)stay->current);
	}
	return n;
}

static void test_begin(void)
{
	struct stay stay;

	stay_init(&stay);
	check("nothing is to be done before the begin", stay_deadline(&stay) == STAY_NEVER);
	check("first the name is looked up", stay_begin(&stay, 0) == STAY_RESOLVE);
	check("then the first address is tried", stay_resolved(&stay, 10, 2, -1) == STAY_CONNECT);
	check("which is the first", !stay.current);
	check("connected, there is nothing to wait for",
	      !stay_heard(&stay, 20, STAY_PEER_CONNECTED, 0) &&
	      stay_deadline(&stay) == STAY_NEVER);
}

static void test_in_turn(void)
{
	struct stay stay;

	stay_init(&stay);
	stay_begin(&stay, 0);
	stay_resolved(&stay, 0, 3, -1);
	check("too early for the next", !stay_passed(&stay, STAY_ATTEMPT - 1, 0));
	check("no answer: the next address", stay_passed(&stay, STAY_ATTEMPT, 0) == STAY_CONNECT &&
	      stay.current == 1);
	check("and the one after that",
	      stay_passed(&stay, 2 * STAY_ATTEMPT, 0) == STAY_CONNECT && stay.current == 2);
	check("after the last, a pause", !stay_passed(&stay, 3 * STAY_ATTEMPT, MIDDLE) &&
	      stay.waiting);
	check("of a second",
	      stay_deadline(&stay) - (3 * STAY_ATTEMPT + STAY_WAIT_FIRST - 1) <= 1);
	check("after which the name is looked up again, and an address tried",
	      stay_passed(&stay, stay_deadline(&stay), 0) == (STAY_RESOLVE | STAY_CONNECT));
}

static void test_pauses(void)
{
	struct stay stay = connected(1);
	unsigned int tries;
	uint64_t longest = 0, last = 3600000, now = last;

	stay_heard(&stay, 0, STAY_PEER_GONE, 0);
	stay_resolved(&stay, 0, 1, 0);
	tries = pass(&stay, 3600000, STAY_CONNECT);
	check("a server that is away for an hour is tried some 15 to 30 times",
	      tries >= 15 && tries <= 30);
	while (now < 7200000) {
		now = stay_deadline(&stay);
		if (now - last > longest)
			longest = now - last;
		last = now;
		if (stay_passed(&stay, now, UINT32_MAX) & STAY_RESOLVE)
			stay_resolved(&stay, now, 1, 0);
	}
	check("no pause is longer than one and a half times the longest",
	      longest <= STAY_WAIT_LAST * 3 / 2);
	stay_heard(&stay, now, STAY_PEER_CONNECTED, 0);
	check("a success forgets the failures", !stay.failures);
}

static void test_jitter(void)
{
	struct stay least = connected(1), most = connected(1);

	stay_heard(&least, 0, STAY_PEER_REFUSED, 0);
	stay_heard(&most, 0, STAY_PEER_REFUSED, UINT32_MAX);
	check("a pause is half of what it is", stay_deadline(&least) == STAY_WAIT_FIRST / 2);
	check("to one and a half", stay_deadline(&most) == STAY_WAIT_FIRST * 3 / 2);
}

static void test_burst(void)
{
	struct stay stay = connected(1);
	unsigned int i, compares = 0, connects = 0;

	for (i = 0; i < 50; i++) {
		stay_changed(&stay, 1000 + i);
		compares += !!(stay_passed(&stay, 1000 + i, 0) & STAY_COMPARE);
	}
	check("a burst is not looked at while it lasts", !compares);
	check("but once it is quiet",
	      stay_passed(&stay, 1049 + STAY_QUIET, 0) == STAY_COMPARE);
	connects += !!(stay_hurry(&stay, 1049 + STAY_QUIET) & STAY_CONNECT);
	check("50 changes are one reconnect", connects == 1 &&
	      pass(&stay, 1049 + STAY_QUIET + STAY_ATTEMPT - 1, STAY_COMPARE | STAY_CONNECT) == 0);
	stay = connected(1);
	for (i = 0; i < 100; i++) {
		stay_changed(&stay, 1000 + 100 * i);
		compares += !!(stay_passed(&stay, 1000 + 100 * i, 0) & STAY_COMPARE);
	}
	check("a network that is never quiet is looked at all the same", compares == 3);
}

static void test_hurry(void)
{
	struct stay stay = connected(2);

	check("another network: the address of before is tried while the name is looked up",
	      stay_hurry(&stay, 5000) == (STAY_RESOLVE | STAY_CONNECT) && !stay.current);
	check("another change does not look the name up twice",
	      stay_hurry(&stay, 5001) == STAY_CONNECT);
	check("the name still has that address: it goes on",
	      !stay_resolved(&stay, 5100, 2, 1) && stay.current == 1);
	stay_hurry(&stay, 6000);
	check("it has others: the first of them is tried",
	      stay_resolved(&stay, 6100, 2, -1) == STAY_CONNECT && !stay.current);
	stay_hurry(&stay, 7000);
	check("no name service: what is known goes on", !stay_resolved(&stay, 7100, 0, -1) &&
	      stay.n == 2);
}

static void test_kernel(void)
{
	struct stay stay = connected(2);

	check("a session that is not renewed at once: patience",
	      !stay_heard(&stay, 1000, STAY_PEER_RENEWING, 0) &&
	      stay_deadline(&stay) == 1000 + STAY_PATIENCE);
	check("then the next address",
	      stay_passed(&stay, 1000 + STAY_PATIENCE, 0) == STAY_CONNECT && stay.current == 1);
	stay = connected(2);
	stay_hurry(&stay, 5000);
	check("an attempt of ours is not made longer",
	      !stay_heard(&stay, 6000, STAY_PEER_RENEWING, 0) &&
	      stay_deadline(&stay) == 5000 + STAY_ATTEMPT);
	check("the next address follows",
	      stay_passed(&stay, 5000 + STAY_ATTEMPT, 0) == STAY_CONNECT && stay.current == 1);
	stay = connected(1);
	stay_heard(&stay, 1000, STAY_PEER_TRYING, 0);
	check("an attempt of somebody else's that fails: one of ours",
	      stay_heard(&stay, 2000, STAY_PEER_GONE, 0) & STAY_CONNECT);
	stay = connected(1);
	check("a session that has ended: another at once",
	      stay_heard(&stay, 1000, STAY_PEER_GONE, 0) & STAY_CONNECT);
	check("gone while trying: nothing new", !stay_heard(&stay, 1001, STAY_PEER_GONE, 0));
	check("refused: a pause", !stay_heard(&stay, 1002, STAY_PEER_REFUSED, MIDDLE) &&
	      stay.waiting);
}

static void test_no_name(void)
{
	struct stay stay;

	stay_init(&stay);
	stay_begin(&stay, 0);
	check("a name that nobody knows: a pause", !stay_resolved(&stay, 0, 0, -1) && stay.waiting);
	check("then it is asked for again",
	      stay_passed(&stay, stay_deadline(&stay), 0) == STAY_RESOLVE);
	check("with no end", !stay_resolved(&stay, 5000, 0, -1) && stay.waiting);
	stay_passed(&stay, stay_deadline(&stay), 0);
	check("until it is known", stay_resolved(&stay, 9000, 1, -1) == STAY_CONNECT);
}

int main(void)
{
	puts("KTAP version 1");
	test_begin();
	test_in_turn();
	test_pauses();
	test_jitter();
	test_burst();
	test_hurry();
	test_kernel();
	test_no_name();
	printf("1..%u\n", tests);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

// SPDX-License-Identifier: GPL-2.0
/* routes.c against a list of prefixes that is searched from end to end */
#include <linux/sched.h>
#include <linux/socket.h>
#include <linux/string.h>

#include "../routes.h"
#include "tests.h"

#define OWNERS	5
#define MODEL	200

/* A prefix of the model */
struct entry {
	struct toyvpn_prefix prefix;
	u8 addr[16];
	unsigned int owner;
	u64 seq;		/* when the owner got it */
};

struct both {
	struct toyvpn_routes routes;
	struct toyvpn_routes_owner owners[OWNERS];
	struct rnd_state rnd;
	struct entry model[MODEL];
	unsigned int entries;
	u64 seq;
};

static int routes_test_init(struct kunit *test)
{
	struct both *b = kunit_kzalloc(test, sizeof(*b), GFP_KERNEL);
	unsigned int i;

	if (!b)
		return -ENOMEM;
	test->priv = b;
	for (i = 0; i < OWNERS; i++)
		toyvpn_routes_owner_init(&b->owners[i]);
	return 0;
}

static void remove_all(struct both *b)
{
	unsigned int i;

	for (i = 0; i < OWNERS; i++)
		toyvpn_routes_remove_owner(&b->routes, &b->owners[i]);
	b->entries = 0;
}

static void expect_empty(struct kunit *test)
{
	struct both *b = test->priv;

	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->routes.v4));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(b->routes.v6));
}

static void routes_test_exit(struct kunit *test)
{
	if (test->priv)
		remove_all(test->priv);
}

/*
 * The model
 */

static unsigned int addr_len(u8 family)
{
	return family == AF_INET ? 4 : 16;
}

/* Are the first @len bits equal? */
static bool same_bits(const u8 *a, const u8 *b, unsigned int len)
{
	if (memcmp(a, b, len / 8))
		return false;
	return !(len % 8) || !((a[len / 8] ^ b[len / 8]) >> (8 - len % 8));
}

/* The number of first bits that are, @max at most */
static unsigned int common(const u8 *a, const u8 *b, unsigned int max)
{
	while (!same_bits(a, b, max))
		max--;
	return max;
}

static bool addr_bit(const u8 *addr, unsigned int n)
{
	return addr[n / 8] >> (7 - n % 8) & 1;
}

static struct entry *model_find(struct both *b, u8 family, const u8 *addr, unsigned int len)
{
	struct entry *e;

	for (e = b->model; e < b->model + b->entries; e++)
		if (e->prefix.family == family && e->prefix.len == len &&
		    same_bits(e->addr, addr, len))
			return e;
	return NULL;
}

static struct toyvpn_routes_owner *model_lookup(struct both *b, u8 family, const u8 *addr)
{
	struct entry *e, *best = NULL;

	for (e = b->model; e < b->model + b->entries; e++)
		if (e->prefix.family == family && same_bits(e->addr, addr, e->prefix.len) &&
		    (!best || e->prefix.len > best->prefix.len))
			best = e;
	return best ? &b->owners[best->owner] : NULL;
}

/* Would a trie with compressed paths have a node for this prefix? */
static bool model_has_node(struct both *b, u8 family, const u8 *addr, unsigned int len)
{
	bool side[2] = {};
	struct entry *e;

	for (e = b->model; e < b->model + b->entries; e++) {
		if (e->prefix.family != family || e->prefix.len < len ||
		    !same_bits(e->addr, addr, len))
			continue;
		if (e->prefix.len == len)
			return true;
		side[addr_bit(e->addr, len)] = true;
	}
	return side[0] && side[1];
}

/* And how many more would it have with it? */
static unsigned int model_new_nodes(struct both *b, const struct toyvpn_prefix *prefix,
				    const u8 *addr)
{
	unsigned int longest = 0;
	bool alone = true;
	struct entry *e;

	if (model_has_node(b, prefix->family, addr, prefix->len))
		return 0;
	for (e = b->model; e < b->model + b->entries; e++) {
		if (e->prefix.family != prefix->family)
			continue;
		alone = false;
		longest = max(longest, common(e->addr, addr, min(e->prefix.len, prefix->len)));
	}
	if (alone || longest == prefix->len ||
	    model_has_node(b, prefix->family, addr, longest))
		return 1;
	return 2;
}

static struct toyvpn_routes_owner *lookup(struct both *b, u8 family, const u8 *addr)
{
	struct toyvpn_routes_owner *owner;
	struct in6_addr v6;
	__be32 v4;

	rcu_read_lock();
	if (family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		owner = toyvpn_routes_lookup_v4(&b->routes, v4);
	} else {
		memcpy(&v6, addr, sizeof(v6));
		owner = toyvpn_routes_lookup_v6(&b->routes, &v6);
	}
	rcu_read_unlock();
	return owner;
}

/*
 * Both at once
 */

/* How many nodes of a reserve for one prefix were taken? It holds two */
static unsigned int taken(const struct toyvpn_routes_reserve *before,
			  const struct toyvpn_routes_reserve *after)
{
	if (after->free == before->free)
		return 0;
	return after->free ? 1 : 2;
}

/*
 * Also tells whether the trie has the nodes that it should have, and no other:
 * what was left behind by a removal is a node too few that this takes.
 */
static void insert(struct kunit *test, u8 family, const u8 *addr, unsigned int len,
		   unsigned int owner)
{
	struct toyvpn_routes_reserve reserve = {}, before;
	struct toyvpn_routes_owner *former;
	struct both *b = test->priv;
	struct toyvpn_prefix prefix;
	struct entry *e;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_prefix_set(&prefix, family, addr, len));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_routes_reserve(&reserve, 1));
	before = reserve;
	former = toyvpn_routes_insert(&b->routes, &reserve, &prefix, &b->owners[owner]);
	KUNIT_EXPECT_EQ(test, taken(&before, &reserve), model_new_nodes(b, &prefix, addr));
	toyvpn_routes_unreserve(&reserve);
	KUNIT_EXPECT_NULL(test, reserve.free);

	e = model_find(b, family, addr, len);
	KUNIT_EXPECT_PTR_EQ(test, former,
			    e && e->owner != owner ? &b->owners[e->owner] : NULL);
	if (e && e->owner == owner)
		return;
	if (!e) {
		KUNIT_ASSERT_LT(test, b->entries, MODEL);
		e = &b->model[b->entries++];
		e->prefix = prefix;
		memset(e->addr, 0, sizeof(e->addr));
		memcpy(e->addr, addr, addr_len(family));
	}
	e->owner = owner;
	e->seq = ++b->seq;
}

/* @owner says that the prefix is his, which may be wrong */
static void remove(struct kunit *test, const struct toyvpn_prefix *prefix, const u8 *addr,
		   unsigned int owner)
{
	struct both *b = test->priv;
	struct entry *e = model_find(b, prefix->family, addr, prefix->len);
	bool his = e && e->owner == owner;

	KUNIT_EXPECT_EQ(test, his,
			toyvpn_routes_remove(&b->routes, prefix, &b->owners[owner]));
	if (his)
		*e = b->model[--b->entries];
}

static void expect_lookup(struct kunit *test, u8 family, const u8 *addr)
{
	struct both *b = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, lookup(b, family, addr), model_lookup(b, family, addr));
}

/* What an owner has is listed once, in the order in which he got it, and nothing else */
static void expect_lists(struct kunit *test)
{
	struct both *b = test->priv;
	unsigned int owner, listed = 0;
	u8 addr[16];
	int ret;

	for (owner = 0; owner < OWNERS; owner++) {
		struct toyvpn_prefix pos = {};
		u64 last = 0;

		while (!(ret = toyvpn_routes_next(&b->routes, &b->owners[owner], &pos))) {
			struct entry *e;

			KUNIT_ASSERT_EQ(test, toyvpn_prefix_addr(&pos, addr),
					addr_len(pos.family));
			e = model_find(b, pos.family, addr, pos.len);
			KUNIT_ASSERT_NOT_NULL(test, e);
			KUNIT_EXPECT_EQ(test, e->owner, owner);
			KUNIT_ASSERT_GT(test, e->seq, last);
			last = e->seq;
			listed++;
		}
		KUNIT_EXPECT_EQ(test, ret, -ENOENT);
	}
	KUNIT_EXPECT_EQ(test, listed, b->entries);
}

/* Text to bytes, for the cases that are written by hand */
static const u8 *v4(u8 a, u8 b, u8 c, u8 d)
{
	static u8 addr[4];

	addr[0] = a;
	addr[1] = b;
	addr[2] = c;
	addr[3] = d;
	return addr;
}

static void prefix_of_a_wrong_length(struct kunit *test)
{
	struct toyvpn_prefix prefix;
	u8 addr[16] = {};

	KUNIT_EXPECT_EQ(test, 0, toyvpn_prefix_set(&prefix, AF_INET, addr, 32));
	KUNIT_EXPECT_EQ(test, -EINVAL, toyvpn_prefix_set(&prefix, AF_INET, addr, 33));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_prefix_set(&prefix, AF_INET6, addr, 128));
	KUNIT_EXPECT_EQ(test, -EINVAL, toyvpn_prefix_set(&prefix, AF_INET6, addr, 129));
	KUNIT_EXPECT_EQ(test, -EINVAL, toyvpn_prefix_set(&prefix, AF_INET6, addr, 255));
}

static void prefix_of_another_family(struct kunit *test)
{
	struct toyvpn_prefix prefix;
	u8 addr[16] = {};

	KUNIT_EXPECT_EQ(test, -EAFNOSUPPORT, toyvpn_prefix_set(&prefix, AF_UNSPEC, addr, 0));
	KUNIT_EXPECT_EQ(test, -EAFNOSUPPORT, toyvpn_prefix_set(&prefix, AF_UNIX, addr, 0));
}

/* All lengths: what comes back has the bits of the prefix, and zeros behind them */
static void expect_bits_behind_are_zeros(struct kunit *test, u8 family)
{
	unsigned int len, i, bits = 8 * addr_len(family);
	struct toyvpn_prefix prefix;
	u8 addr[16], got[16];

	memset(addr, 0xff, sizeof(addr));
	for (len = 0; len <= bits; len++) {
		KUNIT_EXPECT_EQ(test, 0, toyvpn_prefix_set(&prefix, family, addr, len));
		KUNIT_EXPECT_EQ(test, prefix.len, len);
		KUNIT_EXPECT_EQ(test, prefix.family, family);
		memset(got, 0xaa, sizeof(got));
		KUNIT_EXPECT_EQ(test, toyvpn_prefix_addr(&prefix, got), addr_len(family));
		for (i = 0; i < bits; i++)
			KUNIT_EXPECT_EQ(test, addr_bit(got, i), i < len);
	}
}

static void bits_behind_are_zeros(struct kunit *test)
{
	expect_bits_behind_are_zeros(test, AF_INET);
	expect_bits_behind_are_zeros(test, AF_INET6);
}

static void empty_tables(struct kunit *test)
{
	struct both *b = test->priv;
	struct toyvpn_prefix pos = {};
	u8 addr[16] = {};

	KUNIT_EXPECT_NULL(test, lookup(b, AF_INET, addr));
	KUNIT_EXPECT_NULL(test, lookup(b, AF_INET6, addr));
	KUNIT_EXPECT_EQ(test, -ENOENT, toyvpn_routes_next(&b->routes, &b->owners[0], &pos));
	expect_empty(test);
}

/* 0.0.0.0/0 and ::/0 hold all that nothing else does, each of its family only */
static void default_routes(struct kunit *test)
{
	struct both *b = test->priv;
	u8 zeros[16] = {}, ones[16];

	memset(ones, 0xff, sizeof(ones));
	insert(test, AF_INET, zeros, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, ones), &b->owners[0]);
	KUNIT_EXPECT_NULL(test, lookup(b, AF_INET6, zeros));
	insert(test, AF_INET6, zeros, 0, 1);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET6, ones), &b->owners[1]);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, zeros), &b->owners[0]);
}

static void longest_prefix_wins(struct kunit *test)
{
	struct both *b = test->priv;

	insert(test, AF_INET, v4(10, 0, 0, 0), 8, 0);
	insert(test, AF_INET, v4(10, 1, 0, 0), 16, 1);
	insert(test, AF_INET, v4(10, 1, 1, 1), 32, 2);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 2, 0, 1)), &b->owners[0]);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 1, 1, 2)), &b->owners[1]);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 1, 1, 1)), &b->owners[2]);
	KUNIT_EXPECT_NULL(test, lookup(b, AF_INET, v4(11, 1, 1, 1)));
}

/* What a longer prefix is taken from falls to the shorter one */
static void shorter_prefix_takes_over(struct kunit *test)
{
	struct toyvpn_prefix prefix;
	struct both *b = test->priv;

	longest_prefix_wins(test);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_prefix_set(&prefix, AF_INET, v4(10, 1, 0, 0), 16));
	remove(test, &prefix, v4(10, 1, 0, 0), 1);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 1, 1, 2)), &b->owners[0]);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 1, 1, 1)), &b->owners[2]);
}

/* A prefix has one owner: who is given it last */
static void prefix_moves_to_another_owner(struct kunit *test)
{
	struct both *b = test->priv;

	insert(test, AF_INET, v4(10, 0, 0, 0), 8, 0);
	insert(test, AF_INET, v4(10, 9, 9, 9), 8, 1);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 0, 0, 1)), &b->owners[1]);
	KUNIT_EXPECT_TRUE(test, list_empty(&b->owners[0].prefixes));
	expect_lists(test);
}

static void prefix_of_somebody_else_is_not_removed(struct kunit *test)
{
	struct toyvpn_prefix prefix;
	struct both *b = test->priv;

	insert(test, AF_INET, v4(10, 0, 0, 0), 8, 0);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_prefix_set(&prefix, AF_INET, v4(10, 0, 0, 0), 8));
	remove(test, &prefix, v4(10, 0, 0, 0), 1);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 0, 0, 1)), &b->owners[0]);
}

/* Two that part at the last bit have a fork above them, which nobody owns */
static void fork_is_nobodys(struct kunit *test)
{
	struct toyvpn_prefix prefix;
	struct both *b = test->priv;

	insert(test, AF_INET, v4(10, 0, 0, 0), 32, 0);
	insert(test, AF_INET, v4(10, 0, 0, 1), 32, 1);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_prefix_set(&prefix, AF_INET, v4(10, 0, 0, 0), 31));
	KUNIT_EXPECT_FALSE(test, toyvpn_routes_remove(&b->routes, &prefix, &b->owners[0]));
	KUNIT_EXPECT_FALSE(test, toyvpn_routes_remove(&b->routes, &prefix, &b->owners[1]));
	KUNIT_EXPECT_NULL(test, lookup(b, AF_INET, v4(10, 0, 0, 2)));
	/* Until it is given to somebody */
	insert(test, AF_INET, v4(10, 0, 0, 0), 31, 2);
	expect_lists(test);
	remove(test, &prefix, v4(10, 0, 0, 0), 2);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 0, 0, 0)), &b->owners[0]);
	KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, 0, 0, 1)), &b->owners[1]);
}

/* One owner's prefixes go, the others' stay */
static void owner_is_removed(struct kunit *test)
{
	struct both *b = test->priv;
	unsigned int i;

	for (i = 0; i < 64; i++)
		insert(test, AF_INET, v4(10, i / 8, i, 0), 24, i % 3);
	toyvpn_routes_remove_owner(&b->routes, &b->owners[1]);
	KUNIT_EXPECT_TRUE(test, list_empty(&b->owners[1].prefixes));
	for (i = 0; i < 64; i++)
		KUNIT_EXPECT_PTR_EQ(test, lookup(b, AF_INET, v4(10, i / 8, i, 1)),
				    i % 3 == 1 ? NULL : &b->owners[i % 3]);
	remove_all(b);
	expect_empty(test);
}

/* A dump that was interrupted: it goes on, or is told that it cannot */
static void walk_that_lost_its_place(struct kunit *test)
{
	struct toyvpn_prefix pos = {}, before;
	struct both *b = test->priv;

	insert(test, AF_INET, v4(10, 0, 0, 0), 8, 0);
	insert(test, AF_INET, v4(11, 0, 0, 0), 8, 0);
	insert(test, AF_INET, v4(12, 0, 0, 0), 8, 0);
	KUNIT_EXPECT_EQ(test, 0, toyvpn_routes_next(&b->routes, &b->owners[0], &pos));
	before = pos;
	/* Taken by another */
	insert(test, AF_INET, v4(10, 0, 0, 0), 8, 1);
	KUNIT_EXPECT_EQ(test, -ESTALE, toyvpn_routes_next(&b->routes, &b->owners[0], &pos));
	KUNIT_EXPECT_MEMEQ(test, &pos, &before, sizeof(pos));
	/* Gone */
	remove(test, &pos, v4(10, 0, 0, 0), 1);
	KUNIT_EXPECT_EQ(test, -ESTALE, toyvpn_routes_next(&b->routes, &b->owners[0], &pos));
	/* Back, at the end of the list */
	insert(test, AF_INET, v4(10, 0, 0, 0), 8, 0);
	KUNIT_EXPECT_EQ(test, -ENOENT, toyvpn_routes_next(&b->routes, &b->owners[0], &pos));
}

static void reserve_is_added_to(struct kunit *test)
{
	struct toyvpn_routes_reserve reserve = {};
	struct toyvpn_prefix prefix;
	struct both *b = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, toyvpn_routes_reserve(&reserve, 0));
	KUNIT_EXPECT_NULL(test, reserve.free);
	KUNIT_ASSERT_EQ(test, 0, toyvpn_routes_reserve(&reserve, 3));
	KUNIT_ASSERT_EQ(test, 0, toyvpn_routes_reserve(&reserve, 2));
	/* Enough for the most that five insertions take: one node, and four times two */
	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_NOT_NULL(test, reserve.free);
		toyvpn_prefix_set(&prefix, AF_INET, v4(1 << i, 0, 0, 0), 32);
		toyvpn_routes_insert(&b->routes, &reserve, &prefix, &b->owners[0]);
	}
	KUNIT_EXPECT_NOT_NULL(test, reserve.free);
	toyvpn_routes_unreserve(&reserve);
	KUNIT_EXPECT_NULL(test, reserve.free);
}

/* How a random run chooses addresses, and how many prefixes it has at a time */
struct run {
	const char *name;
	u64 seed;
	bool dense;		/* few bits differ, so that prefixes nest and meet */
	unsigned int operations;
	unsigned int entries;
};

static const struct run runs[] = {
	{ .name = "few, near each other", .seed = 11, .dense = true,
	  .operations = 1500, .entries = 8 },
	{ .name = "many, near each other", .seed = 12, .dense = true,
	  .operations = 1500, .entries = 60 },
	{ .name = "many, anywhere", .seed = 13, .dense = false,
	  .operations = 1000, .entries = 90 },
};

KUNIT_ARRAY_PARAM_DESC(run, runs, name);

static void random_addr(struct both *b, const struct run *run, u8 family, u8 *addr)
{
	unsigned int last = addr_len(family) - 1;

	prandom_bytes_state(&b->rnd, addr, 16);
	if (!run->dense)
		return;
	/* 2 bits in the middle, 4 at the end; for IPv6 on both sides of the 64th */
	addr[last] &= 0x87;
	addr[last / 2] &= 0x01;
	addr[last / 2 + 1] &= 0x80;
	memset(addr, 0x20, last / 2);
	memset(addr + last / 2 + 2, 0x20, last - last / 2 - 2);
}

static void random_insert(struct kunit *test, const struct run *run)
{
	struct both *b = test->priv;
	u8 family = toyvpn_test_random(&b->rnd, 2) ? AF_INET : AF_INET6;
	unsigned int bits = 8 * addr_len(family), len = bits;
	u8 addr[16];

	random_addr(b, run, family, addr);
	if (toyvpn_test_random(&b->rnd, 3))
		len = toyvpn_test_random(&b->rnd, bits + 1);
	insert(test, family, addr, len, toyvpn_test_random(&b->rnd, OWNERS));
}

static void random_remove(struct kunit *test)
{
	struct both *b = test->priv;
	struct entry e = b->model[toyvpn_test_random(&b->rnd, b->entries)];

	/* Now and then the prefix above it, which may be another's, a fork or nothing */
	if (!toyvpn_test_random(&b->rnd, 4) && e.prefix.len)
		toyvpn_prefix_set(&e.prefix, e.prefix.family, e.addr, e.prefix.len - 1);
	if (!toyvpn_test_random(&b->rnd, 4))
		e.owner = toyvpn_test_random(&b->rnd, OWNERS);
	remove(test, &e.prefix, e.addr, e.owner);
}

static void random_remove_owner(struct kunit *test)
{
	struct both *b = test->priv;
	unsigned int owner = toyvpn_test_random(&b->rnd, OWNERS), i = 0;

	toyvpn_routes_remove_owner(&b->routes, &b->owners[owner]);
	while (i < b->entries) {
		if (b->model[i].owner == owner)
			b->model[i] = b->model[--b->entries];
		else
			i++;
	}
}

static void random_operations(struct kunit *test)
{
	const struct run *run = test->param_value;
	struct both *b = test->priv;
	unsigned int i, n;
	u8 addr[16];

	toyvpn_test_seed(test, &b->rnd, run->seed);
	for (i = 0; i < run->operations; i++) {
		if (toyvpn_test_random(&b->rnd, 2 * run->entries) >= b->entries)
			random_insert(test, run);
		else if (!toyvpn_test_random(&b->rnd, 100))
			random_remove_owner(test);
		else
			random_remove(test);
		if (i % 8 == 0) {
			for (n = 0; n < 12; n++) {
				u8 family = n % 2 ? AF_INET : AF_INET6;

				random_addr(b, run, family, addr);
				expect_lookup(test, family, addr);
				/* And of what is there */
				if (b->entries) {
					struct entry *e = &b->model[toyvpn_test_random(&b->rnd,
										       b->entries)];

					expect_lookup(test, e->prefix.family, e->addr);
				}
			}
			expect_lists(test);
		}
		cond_resched();
	}
	remove_all(b);
	expect_empty(test);
}

#define WRITES	3000

struct shared {
	struct kunit *test;
	struct rnd_state rnd;
	atomic_t threads;
	atomic_t missed;
	bool over;
};

static void write_much(struct shared *shared)
{
	struct both *b = shared->test->priv;
	struct toyvpn_routes_reserve reserve = {};
	struct toyvpn_prefix prefix;
	unsigned int i;
	u8 addr[16];

	for (i = 0; i < WRITES; i++) {
		u8 family = i % 2 ? AF_INET : AF_INET6;
		unsigned int owner = 1 + toyvpn_test_random(&shared->rnd, OWNERS - 1);

		prandom_bytes_state(&shared->rnd, addr, sizeof(addr));
		toyvpn_prefix_set(&prefix, family, addr, 1 + toyvpn_test_random(&shared->rnd, 12));
		if (toyvpn_routes_reserve(&reserve, 1))
			break;
		toyvpn_routes_insert(&b->routes, &reserve, &prefix, &b->owners[owner]);
		toyvpn_routes_unreserve(&reserve);
		if (i % 100 == 0)
			toyvpn_routes_remove_owner(&b->routes, &b->owners[owner]);
		cond_resched();
	}
	WRITE_ONCE(shared->over, true);
}

static void read_much(struct shared *shared, u64 seed)
{
	struct both *b = shared->test->priv;
	struct rnd_state rnd;
	u8 addr[16];

	prandom_seed_state(&rnd, seed);
	while (!READ_ONCE(shared->over)) {
		prandom_bytes_state(&rnd, addr, sizeof(addr));
		if (!lookup(b, AF_INET, addr) || !lookup(b, AF_INET6, addr))
			atomic_inc(&shared->missed);
		cond_resched();
	}
}

static void read_or_write(void *arg)
{
	struct shared *shared = arg;
	int thread = atomic_inc_return(&shared->threads);

	if (thread == 1)
		write_much(shared);
	else
		read_much(shared, thread);
}

/* A default route that stays is found at every moment, whatever changes below it */
static void readers_beside_a_writer(struct kunit *test)
{
	struct shared shared = { .test = test };
	u8 zeros[16] = {};

	insert(test, AF_INET, zeros, 0, 0);
	insert(test, AF_INET6, zeros, 0, 0);
	toyvpn_test_seed(test, &shared.rnd, 14);
	toyvpn_test_threads(test, 3, read_or_write, &shared);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&shared.missed));
	remove_all(test->priv);
	expect_empty(test);
}

static struct kunit_case routes_test_cases[] = {
	KUNIT_CASE(prefix_of_a_wrong_length),
	KUNIT_CASE(prefix_of_another_family),
	KUNIT_CASE(bits_behind_are_zeros),
	KUNIT_CASE(empty_tables),
	KUNIT_CASE(default_routes),
	KUNIT_CASE(longest_prefix_wins),
	KUNIT_CASE(shorter_prefix_takes_over),
	KUNIT_CASE(prefix_moves_to_another_owner),
	KUNIT_CASE(prefix_of_somebody_else_is_not_removed),
	KUNIT_CASE(fork_is_nobodys),
	KUNIT_CASE(owner_is_removed),
	KUNIT_CASE(walk_that_lost_its_place),
	KUNIT_CASE(reserve_is_added_to),
	KUNIT_CASE_PARAM(random_operations, run_gen_params),
	KUNIT_CASE(readers_beside_a_writer),
	{}
};

static struct kunit_suite routes_test_suite = {
	.name = "toyvpn_routes",
	.init = routes_test_init,
	.exit = routes_test_exit,
	.test_cases = routes_test_cases,
};

kunit_test_suite(routes_test_suite);

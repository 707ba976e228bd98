// SPDX-License-Identifier: GPL-2.0
/* config.c and peer.c: a device with its most peers */
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "../config.h"
#include "../peer.h"
#include "../toyvpn.h"
#include "tests.h"

/* Nothing is under way here: what is wanted of a peer ends with its reference */
static void peer_work(struct work_struct *work)
{
	toyvpn_peer_put(container_of(work, struct toyvpn_peer, work));
}

static void peer_removed(struct toyvpn_peer *peer)
{
}

/* As much of a device as its configuration needs: no link, no socket */
static int config_test_init(struct kunit *test)
{
	struct toyvpn_device *tv;
	int err;

	tv = kunit_kzalloc(test, sizeof(*tv), GFP_KERNEL);
	if (!tv)
		return -ENOMEM;
	tv->wq = alloc_workqueue("toyvpn-test", WQ_UNBOUND, 0);
	if (!tv->wq)
		return -ENOMEM;
	tv->peer_work = peer_work;
	tv->lane_work = peer_work;
	tv->peer_removed = peer_removed;
	mutex_init(&tv->lock);
	err = toyvpn_peers_init(tv);
	if (err) {
		destroy_workqueue(tv->wq);
		return err;
	}
	test->priv = tv;
	return 0;
}

static void config_test_exit(struct kunit *test)
{
	struct toyvpn_device *tv = test->priv;

	if (!tv)
		return;
	mutex_lock(&tv->lock);
	toyvpn_config_remove_peer(tv, NULL, NULL);
	mutex_unlock(&tv->lock);
	destroy_workqueue(tv->wq);
	toyvpn_peers_destroy(tv);
}

/* Peer @number is asked for, which may be new, with one allowed IP: 10.0.0.@number */
static int set_peer(struct toyvpn_device *tv, u8 number, struct netlink_ext_ack *extack)
{
	struct toyvpn_prefix_change change = {
		.prefix = { .hi = (0x0a000000ULL + number) << 32, .family = AF_INET, .len = 32 },
	};
	struct toyvpn_peer_config config = { .prefixes = &change, .prefix_count = 1 };

	memset(config.public_key, number, sizeof(config.public_key));
	return toyvpn_config_peer(tv, &config, extack);
}

static bool has_route(struct toyvpn_device *tv, u8 number)
{
	bool has;

	rcu_read_lock();
	has = toyvpn_routes_lookup_v4(&tv->routes, cpu_to_be32(0x0a000000 + number));
	rcu_read_unlock();
	return has;
}

/* Counted, not made: a million of them would be gigabytes */
static void the_most_peers(struct kunit *test)
{
	struct toyvpn_device *tv = test->priv;
	struct netlink_ext_ack extack = {};
	u8 first[TOYVPN_NOISE_KEY_LEN];
	u32 generation;

	mutex_lock(&tv->lock);
	tv->peer_count = TOYVPN_PEERS_MAX - 1;
	KUNIT_EXPECT_EQ(test, 0, set_peer(tv, 1, &extack));
	KUNIT_EXPECT_EQ(test, TOYVPN_PEERS_MAX, tv->peer_count);
	generation = tv->generation;

	KUNIT_EXPECT_EQ(test, -ENOSPC, set_peer(tv, 2, &extack));
	KUNIT_EXPECT_STREQ(test, "the device has its most peers already", extack._msg);
	KUNIT_EXPECT_EQ(test, TOYVPN_PEERS_MAX, tv->peer_count);
	KUNIT_EXPECT_EQ(test, generation, tv->generation);
	KUNIT_EXPECT_TRUE(test, has_route(tv, 1));
	KUNIT_EXPECT_FALSE(test, has_route(tv, 2));

	/* Who is there can be changed, and makes room */
	KUNIT_EXPECT_EQ(test, 0, set_peer(tv, 1, &extack));
	memset(first, 1, sizeof(first));
	KUNIT_EXPECT_EQ(test, 0, toyvpn_config_remove_peer(tv, first, NULL));
	KUNIT_EXPECT_EQ(test, 0, set_peer(tv, 2, NULL));
	KUNIT_EXPECT_TRUE(test, has_route(tv, 2));
	KUNIT_EXPECT_EQ(test, TOYVPN_PEERS_MAX, tv->peer_count);
	mutex_unlock(&tv->lock);
}

static struct kunit_case config_test_cases[] = {
	KUNIT_CASE(the_most_peers),
	{}
};

static struct kunit_suite config_test_suite = {
	.name = "toyvpn_config",
	.init = config_test_init,
	.exit = config_test_exit,
	.test_cases = config_test_cases,
};

kunit_test_suite(config_test_suite);

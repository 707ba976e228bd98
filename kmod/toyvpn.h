/* SPDX-License-Identifier: GPL-2.0 */
/* What the rooms share of one device: its keys, tables, sockets, queues */
#ifndef TOYVPN_TOYVPN_H
#define TOYVPN_TOYVPN_H

#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rhashtable-types.h>
#include <linux/rwsem.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <uapi/linux/toyvpn.h>

#include "cookie.h"
#include "noise.h"
#include "ratelimit.h"
#include "routes.h"
#include "stats.h"

struct toyvpn_authorizer;
struct toyvpn_inbox;
struct toyvpn_peer;

/* Limits; README.md lists them */
#define TOYVPN_PEERS_MAX		BIT(20)
#define TOYVPN_PREFIXES_MAX		BIT(20)	/* in one change of one peer */
#define TOYVPN_QUEUE_PACKETS		128		/* a peer, while it has no session */
#define TOYVPN_QUEUE_BYTES		BIT(20)
#define TOYVPN_HANDSHAKE_QUEUE		1024		/* a device */
#define TOYVPN_INBOX			1024		/* a CPU and device */
#define TOYVPN_INBOX_BYTES		SZ_16M
#define TOYVPN_NESTED_MAX		3		/* tunnels, one in another */
#define TOYVPN_UNDER_LOAD		(TOYVPN_HANDSHAKE_QUEUE / 8)
#define TOYVPN_UNDER_LOAD_TIME		((u64)NSEC_PER_SEC)

/**
 * struct toyvpn_device - a link of kind toyvpn: netdev_priv()
 * @dev: the net_device
 * @all: in the list of all devices, see device.c
 * @lock: serialises configuration: everything that is marked (c) below is
 *	changed under it. Never taken on a packet path. Taken inside RTNL and
 *	inside the lock of the list of devices, never the other way round
 * @net: namespace of the sockets, NULL once it is gone (c)
 * @sock4: the UDP socket for IPv4 (c, read under RCU)
 * @sock6: the UDP socket for IPv6 (c, read under RCU)
 * @port: UDP port in host order, 0 before one was chosen (c)
 * @fwmark: mark of outer packets (c)
 * @up: the link is up (c)
 * @asleep: the machine is going to sleep or is asleep: no handshakes (c)
 * @identity_lock: held for reading while a handshake uses what it guards:
 *	@identity, @has_identity, @identity_generation, @ciphers, @cipher_count.
 *	Taken inside @lock and outside a peer's handshake mutex
 * @identity: our static key pair
 * @has_identity: it is set
 * @identity_generation: counts its changes, from 1
 * @ciphers: accepted ciphers, best first
 * @cipher_count: how many
 * @routes: allowed IPs (c, read under RCU)
 * @peers: peers by public key (c, read under RCU)
 * @ids: sessions and handshakes by index
 * @peers_by_number: peers in the order of their making, for dumps (c)
 * @peers_next: where the next number is looked for (c)
 * @peer_count: how many there are (c)
 * @generation: counts changes that a dump must notice (c)
 * @alive: peers whose memory is not gone yet; the last one wakes who waits on it
 * @wq: work of peers and of the handshake queue
 * @receive: what the sockets hand their datagrams to; set before they open
 * @receive_train: what gets trains before the sockets do; false: it has no use for
 *	one, which goes on as usual
 * @peer_work: what a peer's work item runs; set before the first peer
 * @lane_work: what a peer's lane_work runs; likewise
 * @peer_removed: called for each peer that was removed, before its memory goes;
 *	@lock is held
 * @handshakes: INIT and RESP messages that wait for @handshake_work
 * @handshake_work: consumes them
 * @loaded_until: ns of boot time until which we count as under load
 * @checker: mac1, mac2 and cookies of what comes in
 * @ratelimit: handshakes by source
 * @authorizer: what strangers are told to and wait in; NULL until there was one
 *	(c; once set it stays)
 * @timestamp_lock: guards @last_timestamp
 * @last_timestamp: of the last INIT sent by this device, ns since 1970
 * @inboxes: data messages that wait to be opened
 * @jobs: how many of them all have that are not ended
 * @stats: counters
 */
struct toyvpn_device {
	struct net_device *dev;
	struct list_head all;
	struct mutex lock;	/* configuration */

	struct net __rcu *net;
	struct sock __rcu *sock4;
	struct sock __rcu *sock6;
	u16 port;
	u32 fwmark;
	bool up;
	bool asleep;

	struct rw_semaphore identity_lock;
	struct toyvpn_noise_static identity;
	bool has_identity;
	u32 identity_generation;
	u8 ciphers[TOYVPN_CIPHERS_MAX];
	u8 cipher_count;

	struct toyvpn_routes routes;
	struct rhashtable peers;
	struct rhashtable ids;
	struct xarray peers_by_number;
	u32 peers_next;
	u32 peer_count;
	u32 generation;
	atomic_t alive;

	struct workqueue_struct *wq;
	int (*receive)(struct sock *sk, struct sk_buff *skb);
	bool (*receive_train)(struct toyvpn_device *tv, struct sk_buff *skb);
	work_func_t peer_work;
	work_func_t lane_work;
	void (*peer_removed)(struct toyvpn_peer *peer);
	struct sk_buff_head handshakes;
	struct work_struct handshake_work;
	u64 loaded_until;
	struct toyvpn_cookie_checker checker;
	struct toyvpn_ratelimit ratelimit;
	struct toyvpn_authorizer *authorizer;
	spinlock_t timestamp_lock;	/* last_timestamp */
	u64 last_timestamp;

	struct toyvpn_inbox __percpu *inboxes;
	atomic_t jobs;
	struct toyvpn_stats __percpu *stats;
};

/**
 * toyvpn_count() - counts something that a user can read with ethtool -S
 * @tv: device
 * @which: what
 */
static inline void toyvpn_count(struct toyvpn_device *tv, enum toyvpn_stat which)
{
	toyvpn_stat_add(tv->stats, which, 1);
}

#endif /* TOYVPN_TOYVPN_H */

// SPDX-License-Identifier: GPL-2.0
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "authorizer.h"
#include "compat.h"
#include "event.h"
#include "ratelimit.h"
#include "requests.h"
#include "socket.h"
#include "toyvpn.h"

/**
 * struct toyvpn_authorizer - who decides of a device's strangers
 * @all: in @authorizers
 * @device: whose
 * @lock: guards the rest but @limit; taken inside the device's identity_lock,
 *	nothing of the device is taken inside it
 * @sk: its socket, a reference; NULL: there is none
 * @portid: that socket's port id, or 0; read without the lock as well
 * @requests: what waits for it
 * @expiry: drops what waited too long
 * @limit: requests by source
 */
struct toyvpn_authorizer {
	struct list_head all;
	struct toyvpn_device *device;
	struct mutex lock;	/* all but limit */
	struct sock *sk;
	u32 portid;
	struct toyvpn_requests requests;
	struct delayed_work expiry;
	struct toyvpn_ratelimit limit;
};

/* Those of all devices; the lock is taken inside a device's lock, outside an authorizer's */
static LIST_HEAD(authorizers);
static DEFINE_MUTEX(authorizers_lock);

static void expire_at(struct toyvpn_authorizer *authorizer, u64 at, u64 now)
{
	if (at)
		mod_delayed_work(authorizer->device->wq, &authorizer->expiry,
				 nsecs_to_jiffies(at - min(at, now)) + 1);
}

static void expire(struct work_struct *work)
{
	struct toyvpn_authorizer *authorizer = container_of(to_delayed_work(work),
							    struct toyvpn_authorizer, expiry);
	u64 now = ktime_get_coarse_boottime_ns();

	mutex_lock(&authorizer->lock);
	expire_at(authorizer, toyvpn_requests_expire(&authorizer->requests, now), now);
	mutex_unlock(&authorizer->lock);
}

static struct toyvpn_authorizer *authorizer_new(struct toyvpn_device *tv)
{
	struct toyvpn_authorizer *authorizer;

	authorizer = kzalloc_obj(*authorizer, GFP_KERNEL_ACCOUNT);
	if (!authorizer)
		return NULL;
	if (toyvpn_ratelimit_init(&authorizer->limit)) {
		kfree(authorizer);
		return NULL;
	}
	authorizer->device = tv;
	mutex_init(&authorizer->lock);
	toyvpn_requests_init(&authorizer->requests);
	INIT_DELAYED_WORK(&authorizer->expiry, expire);
	mutex_lock(&authorizers_lock);
	list_add(&authorizer->all, &authorizers);
	mutex_unlock(&authorizers_lock);
	return authorizer;
}

/* The socket is closed, or the link is where it cannot see it any more */
static void end(struct toyvpn_authorizer *authorizer)
{
	WRITE_ONCE(authorizer->portid, 0);
	if (authorizer->sk)
		sock_put(authorizer->sk);
	authorizer->sk = NULL;
	toyvpn_requests_drop(&authorizer->requests);
}

/*
 * Whether there is one, in the namespace that the device is in now. A socket that
 * closes gives its port id away at once, and we are told a while later.
 */
static bool there(struct toyvpn_authorizer *authorizer)
{
	struct sock *sk = authorizer->sk;

	if (sk && (sock_flag(sk, SOCK_DEAD) ||
		   !net_eq(sock_net(sk), dev_net(authorizer->device->dev))))
		end(authorizer);
	return authorizer->sk;
}

/**
 * toyvpn_authorizer_set() - a process wants to decide of strangers
 * @tv: device, its lock held
 * @sk: its socket, where the device is as well; of generic netlink
 * @portid: its port id; toyvpn_authorizer_closed() is told of it when it closes
 * @extack: says why it was refused
 *
 * Return: 0, also if it is the authorizer already; -EBUSY if another one is, or
 * -ENOMEM.
 */
int toyvpn_authorizer_set(struct toyvpn_device *tv, struct sock *sk, u32 portid,
			  struct netlink_ext_ack *extack)
{
	struct toyvpn_authorizer *authorizer = tv->authorizer;
	int err = 0;

	lockdep_assert_held(&tv->lock);
	if (!authorizer) {
		authorizer = authorizer_new(tv);
		if (!authorizer)
			return -ENOMEM;
		/* Pairs with authorizer_of() */
		smp_store_release(&tv->authorizer, authorizer);
	}
	mutex_lock(&authorizer->lock);
	if (!there(authorizer)) {
		sock_hold(sk);
		authorizer->sk = sk;
		WRITE_ONCE(authorizer->portid, portid);
	} else if (authorizer->sk != sk) {
		NL_SET_ERR_MSG(extack, "the interface has an authorizer already");
		err = -EBUSY;
	}
	mutex_unlock(&authorizer->lock);
	return err;
}

/**
 * toyvpn_authorizer_closed() - a socket is closed, which may be an authorizer's
 * @net: its namespace
 * @portid: the socket
 *
 * What waited for it is dropped. Process context.
 */
void toyvpn_authorizer_closed(const struct net *net, u32 portid)
{
	struct toyvpn_authorizer *authorizer;

	mutex_lock(&authorizers_lock);
	list_for_each_entry(authorizer, &authorizers, all) {
		mutex_lock(&authorizer->lock);
		/* Another one may have the same port id already */
		if (authorizer->portid == portid && net_eq(sock_net(authorizer->sk), net) &&
		    sock_flag(authorizer->sk, SOCK_DEAD))
			end(authorizer);
		mutex_unlock(&authorizer->lock);
	}
	mutex_unlock(&authorizers_lock);
}

/**
 * toyvpn_authorizers_end() - there are no authorizers any more
 *
 * None can be set any more. Process context.
 */
void toyvpn_authorizers_end(void)
{
	struct toyvpn_authorizer *authorizer;

	mutex_lock(&authorizers_lock);
	list_for_each_entry(authorizer, &authorizers, all) {
		mutex_lock(&authorizer->lock);
		end(authorizer);
		mutex_unlock(&authorizer->lock);
	}
	mutex_unlock(&authorizers_lock);
}

/**
 * toyvpn_authorizer_destroy() - frees what toyvpn_authorizer_set() made
 * @tv: device that nobody uses any more
 *
 * Process context.
 */
void toyvpn_authorizer_destroy(struct toyvpn_device *tv)
{
	struct toyvpn_authorizer *authorizer = tv->authorizer;

	if (!authorizer)
		return;
	mutex_lock(&authorizers_lock);
	list_del(&authorizer->all);
	mutex_unlock(&authorizers_lock);
	cancel_delayed_work_sync(&authorizer->expiry);
	end(authorizer);
	toyvpn_requests_destroy(&authorizer->requests);
	toyvpn_ratelimit_destroy(&authorizer->limit);
	kfree_sensitive(authorizer);
	tv->authorizer = NULL;
}

/* The device's, once it had one */
static struct toyvpn_authorizer *authorizer_of(struct toyvpn_device *tv)
{
	/* Pairs with toyvpn_authorizer_set() */
	return smp_load_acquire(&tv->authorizer);
}

/**
 * toyvpn_authorizer_listens() - whether a stranger is to be listened to
 * @tv: device
 * @from: where the stranger's INIT came from
 *
 * Decided before it costs more than it has. When many wait, and when one source
 * asks often, cookies are demanded for a while: what comes then is from where
 * it says it is. Counts what is refused. Process context.
 *
 * Return: whether it is.
 */
bool toyvpn_authorizer_listens(struct toyvpn_device *tv, const struct toyvpn_endpoint *from)
{
	struct toyvpn_authorizer *authorizer = authorizer_of(tv);
	u64 now = ktime_get_coarse_boottime_ns();
	unsigned int waiting;
	const void *addr;
	size_t addr_len;
	__be16 port;

	if (!authorizer || !READ_ONCE(authorizer->portid)) {
		toyvpn_count(tv, TOYVPN_STAT_HS_UNKNOWN_PEER);
		return false;
	}
	waiting = READ_ONCE(authorizer->requests.count);
	if (waiting >= TOYVPN_REQUESTS_MAX / 2)
		WRITE_ONCE(tv->loaded_until, now + TOYVPN_UNDER_LOAD_TIME);
	addr_len = toyvpn_endpoint_source(from, &addr, &port);
	if (!toyvpn_ratelimit_allow(&authorizer->limit, addr, addr_len, now)) {
		WRITE_ONCE(tv->loaded_until, now + TOYVPN_UNDER_LOAD_TIME);
		toyvpn_count(tv, TOYVPN_STAT_HS_RATE_LIMIT);
		return false;
	}
	return true;
}

/**
 * toyvpn_authorizer_ask() - tells the authorizer of a stranger
 * @tv: device
 * @request: what the stranger asks; taken
 *
 * It waits for an answer from then on, if the authorizer could be told. Process
 * context, identity_lock held: a request is of the device's identity.
 */
void toyvpn_authorizer_ask(struct toyvpn_device *tv, struct toyvpn_request *request)
{
	struct toyvpn_authorizer *authorizer = authorizer_of(tv);
	u64 now = ktime_get_coarse_boottime_ns();
	int err = -ECONNREFUSED;
	bool renewed;

	mutex_lock(&authorizer->lock);
	if (there(authorizer))
		err = toyvpn_requests_add(&authorizer->requests, request, now);
	if (err < 0)
		goto refused;
	renewed = err;
	if (!renewed || now - request->told >= TOYVPN_REQUEST_TELL) {
		request->told = now;
		err = toyvpn_event_request(tv, request, sock_net(authorizer->sk),
					   authorizer->portid);
		/* Of one that was renewed it knows, or will be told again */
		if (err && !renewed) {
			toyvpn_requests_take(&authorizer->requests, request);
			goto refused;
		}
	}
	if (!renewed)
		toyvpn_count(tv, TOYVPN_STAT_HS_REQUESTS);
	expire_at(authorizer, toyvpn_requests_expire(&authorizer->requests, now), now);
	mutex_unlock(&authorizer->lock);
	return;

refused:
	mutex_unlock(&authorizer->lock);
	toyvpn_request_free(request);
	switch (err) {
	case -EALREADY:
		toyvpn_count(tv, TOYVPN_STAT_HS_REPLAY);
		break;
	case -ENOMEM:
		toyvpn_count(tv, TOYVPN_STAT_HS_NO_MEMORY);
		break;
	case -ECONNREFUSED:
		toyvpn_count(tv, TOYVPN_STAT_HS_UNKNOWN_PEER);
		break;
	default:
		toyvpn_count(tv, TOYVPN_STAT_HS_REQUESTS_FULL);
	}
}

/**
 * toyvpn_authorizer_forget() - drops what waits
 * @tv: device, whose keys change, or which cannot answer any more
 *
 * Process context.
 */
void toyvpn_authorizer_forget(struct toyvpn_device *tv)
{
	struct toyvpn_authorizer *authorizer = authorizer_of(tv);

	if (!authorizer)
		return;
	mutex_lock(&authorizer->lock);
	toyvpn_requests_drop(&authorizer->requests);
	mutex_unlock(&authorizer->lock);
}

/**
 * toyvpn_authorizer_take() - takes what is to be answered
 * @tv: device
 * @id: which request
 * @public_key: whose it must be, NULL for anybody's
 * @extack: says why there is none
 *
 * Process context.
 *
 * Return: the request, for toyvpn_request_free() or
 * toyvpn_authorizer_give_back(); -ENOENT if it is no more, -EINVAL if it is
 * another key's: then it goes on waiting.
 */
struct toyvpn_request *toyvpn_authorizer_take(struct toyvpn_device *tv, u32 id,
					      const u8 *public_key,
					      struct netlink_ext_ack *extack)
{
	struct toyvpn_authorizer *authorizer = authorizer_of(tv);
	struct toyvpn_request *request = NULL;

	if (authorizer) {
		mutex_lock(&authorizer->lock);
		request = toyvpn_requests_find(&authorizer->requests, id,
					       ktime_get_coarse_boottime_ns());
		if (!request) {
			;
		} else if (public_key &&
			   memcmp(request->public_key, public_key, TOYVPN_NOISE_KEY_LEN)) {
			NL_SET_ERR_MSG(extack, "the request is of another public key");
			request = ERR_PTR(-EINVAL);
		} else {
			toyvpn_requests_take(&authorizer->requests, request);
		}
		mutex_unlock(&authorizer->lock);
	}
	if (!request) {
		NL_SET_ERR_MSG(extack, "the request is no more: answered, too old, or replaced");
		request = ERR_PTR(-ENOENT);
	}
	return request;
}

/**
 * toyvpn_authorizer_give_back() - what was taken could not be answered
 * @tv: device
 * @request: of toyvpn_authorizer_take(); taken
 *
 * It waits again, unless something else took its place. Process context.
 */
void toyvpn_authorizer_give_back(struct toyvpn_device *tv, struct toyvpn_request *request)
{
	struct toyvpn_authorizer *authorizer = authorizer_of(tv);
	int err = -ECONNREFUSED;

	mutex_lock(&authorizer->lock);
	if (authorizer->sk)
		err = toyvpn_requests_give_back(&authorizer->requests, request);
	mutex_unlock(&authorizer->lock);
	if (err)
		toyvpn_request_free(request);
}

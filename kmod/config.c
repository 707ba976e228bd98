// SPDX-License-Identifier: GPL-2.0
#include <linux/netlink.h>
#include <linux/ktime.h>

#include "authorizer.h"
#include "compat.h"
#include "config.h"
#include "handshake.h"
#include "requests.h"
#include "session.h"
#include "socket.h"
#include "toyvpn.h"

static void changed(struct toyvpn_device *tv)
{
	/* 0 means to the dumps that they need not look */
	if (!++tv->generation)
		tv->generation = 1;
}

static void erase(struct toyvpn_peer *peer, enum toyvpn_reason reason)
{
	mutex_lock(&peer->handshake.lock);
	toyvpn_peer_erase(peer);
	if (READ_ONCE(peer->last_handshake))
		toyvpn_peer_set_reason(peer, reason);
	mutex_unlock(&peer->handshake.lock);
}

/* Sessions with a cipher that is no longer accepted end */
static void use_ciphers(struct toyvpn_device *tv, const u8 *ciphers, size_t count)
{
	struct toyvpn_peer *peer;
	bool fewer = false;
	unsigned long i;

	down_write(&tv->identity_lock);
	for (i = 0; i < tv->cipher_count; i++)
		fewer |= !memchr(ciphers, tv->ciphers[i], count);
	memcpy(tv->ciphers, ciphers, count);
	tv->cipher_count = count;
	up_write(&tv->identity_lock);
	if (!fewer)
		return;

	xa_for_each(&tv->peers_by_number, i, peer) {
		/* Its answer may choose what the old list had; the next INIT says the new one */
		mutex_lock(&peer->handshake.lock);
		toyvpn_peer_end_handshake(peer);
		mutex_unlock(&peer->handshake.lock);
		if (!toyvpn_peer_accepts(peer, ciphers, count))
			erase(peer, TOYVPN_REASON_REMOVED_KEY);
		cond_resched();
	}
}

/* What was made with the old key ends, and so does a peer that we are now ourselves */
static void use_identity(struct toyvpn_device *tv, const struct toyvpn_noise_static *identity)
{
	struct toyvpn_peer *peer;
	unsigned long i;

	down_write(&tv->identity_lock);
	memzero_explicit(&tv->identity, sizeof(tv->identity));
	if (identity)
		tv->identity = *identity;
	tv->has_identity = identity;
	if (!++tv->identity_generation)
		tv->identity_generation = 1;
	up_write(&tv->identity_lock);

	toyvpn_authorizer_forget(tv);
	xa_for_each(&tv->peers_by_number, i, peer) {
		erase(peer, TOYVPN_REASON_REMOVED_KEY);
		toyvpn_peer_forget_identity(peer);
		cond_resched();
	}
	if (!identity)
		return;
	peer = toyvpn_peer_find(tv, identity->public);
	if (peer)
		toyvpn_peer_remove(peer);
	xa_for_each(&tv->peers_by_number, i, peer) {
		toyvpn_peer_want_flush(peer);
		cond_resched();
	}
}

static void forget_routes(struct toyvpn_device *tv)
{
	struct toyvpn_peer *peer;
	unsigned long i;

	xa_for_each(&tv->peers_by_number, i, peer) {
		toyvpn_peer_forget_source(peer);
		cond_resched();
	}
}

/**
 * toyvpn_config_device() - changes a device
 * @tv: device, its lock held
 * @config: what to change
 * @extack: says why it was refused
 *
 * Whatever can fail comes before the first change. Sleeps.
 *
 * Return: 0; -EINVAL, -EADDRINUSE, -ENOMEM or another errno of the sockets, and
 * nothing has changed.
 */
int toyvpn_config_device(struct toyvpn_device *tv, const struct toyvpn_device_config *config,
			 struct netlink_ext_ack *extack)
{
	static const u8 zeros[TOYVPN_NOISE_KEY_LEN];
	bool has_key = config->private_key && memcmp(config->private_key, zeros, sizeof(zeros));
	bool new_port = config->has_port && (!config->port || config->port != tv->port);
	struct toyvpn_noise_static identity = {};
	struct toyvpn_sockets sockets = {};
	bool new_key = false;
	int err;

	lockdep_assert_held(&tv->lock);
	if (has_key) {
		err = toyvpn_noise_set_static(&identity, config->private_key);
		if (err) {
			NL_SET_ERR_MSG(extack, "not a usable private key");
			goto out;
		}
	}
	if (config->private_key)
		new_key = has_key != tv->has_identity ||
			  (has_key && memcmp(&identity, &tv->identity, sizeof(identity)));
	if (new_port && tv->up) {
		err = toyvpn_sockets_open(tv, config->port, &sockets);
		if (err) {
			if (err == -EADDRINUSE)
				NL_SET_ERR_MSG(extack, "the UDP port is in use");
			else if (err == -ENONET)
				NL_SET_ERR_MSG(extack,
					       "the namespace that the link was made in is gone");
			goto out;
		}
	}
	if (new_key) {
		err = toyvpn_cookie_checker_set_key(&tv->checker,
						    has_key ? identity.public : NULL);
		if (err) {
			toyvpn_sockets_discard(&sockets);
			goto out;
		}
		use_identity(tv, has_key ? &identity : NULL);
	}
	if (config->ciphers)
		use_ciphers(tv, config->ciphers, config->cipher_count);
	if (new_port && tv->up)
		toyvpn_sockets_use(tv, &sockets);
	else if (new_port)
		tv->port = config->port;
	if (config->has_fwmark)
		WRITE_ONCE(tv->fwmark, config->fwmark);
	if (new_port || config->has_fwmark)
		forget_routes(tv);
	changed(tv);
	err = 0;
out:
	memzero_explicit(&identity, sizeof(identity));
	return err;
}

/*
 * What the peer's next INIT or RESP is made with. What blobs there were before
 * goes into the change, which frees them. Returns whether the pre-shared key is
 * another one: what was agreed with the old one is not valid any more.
 */
static bool set_handshake(struct toyvpn_peer *peer, struct toyvpn_peer_config *config)
{
	struct toyvpn_handshake *handshake = &peer->handshake;
	bool new_psk = false;

	mutex_lock(&handshake->lock);
	/* With replace, what is not named is zero in the message as well */
	if (config->has_psk || config->replace) {
		new_psk = crypto_memneq(handshake->psk, config->psk, sizeof(handshake->psk));
		memcpy(handshake->psk, config->psk, sizeof(handshake->psk));
	}
	if (config->has_config || config->replace)
		swap(handshake->config, config->config);
	if (config->has_credentials || config->replace)
		swap(handshake->credentials, config->credentials);
	mutex_unlock(&handshake->lock);
	return new_psk;
}

/* Cannot fail: what it needs is in @reserve */
static void set_prefixes(struct toyvpn_device *tv, struct toyvpn_peer *peer,
			 const struct toyvpn_peer_config *config,
			 struct toyvpn_routes_reserve *reserve)
{
	unsigned int i;

	if (config->replace || config->replace_prefixes)
		toyvpn_routes_remove_owner(&tv->routes, &peer->routes);
	for (i = 0; i < config->prefix_count; i++) {
		const struct toyvpn_prefix_change *change = &config->prefixes[i];

		if (change->remove)
			toyvpn_routes_remove(&tv->routes, &change->prefix, &peer->routes);
		else
			toyvpn_routes_insert(&tv->routes, reserve, &change->prefix,
					     &peer->routes);
		cond_resched();
	}
}

static void set_persistent(struct toyvpn_peer *peer, u16 seconds)
{
	if (peer->persistent == seconds)
		return;
	WRITE_ONCE(peer->persistent, seconds);
	toyvpn_timers_set_persistent(&peer->timers, (u64)seconds * NSEC_PER_SEC,
				     ktime_get_coarse_boottime_ns());
	if (seconds)
		toyvpn_peer_want(peer, TOYVPN_WANT_KEEPALIVE);
}

static void apply(struct toyvpn_device *tv, struct toyvpn_peer *peer,
		  struct toyvpn_peer_config *config, struct toyvpn_routes_reserve *reserve)
{
	if (config->has_endpoint || config->replace)
		toyvpn_peer_set_endpoint(peer, &config->endpoint);
	set_prefixes(tv, peer, config, reserve);
	if (config->has_persistent || config->replace)
		set_persistent(peer, config->persistent);
	if (config->connect) {
		toyvpn_peer_forget_source(peer);
		toyvpn_peer_want(peer, TOYVPN_WANT_CONNECT);
	}
	toyvpn_peer_want_flush(peer);
	changed(tv);
}

static int add_peer(struct toyvpn_device *tv, struct toyvpn_peer_config *config,
		    struct toyvpn_peer **peer)
{
	int err;

	*peer = toyvpn_peer_new(tv, config->public_key);
	if (!*peer)
		return -ENOMEM;
	/* An INIT can be answered as soon as the peer is there: with all of this, or not */
	set_handshake(*peer, config);
	err = toyvpn_peer_add(*peer);
	if (err) {
		toyvpn_peer_put(*peer);
		return err;
	}
	toyvpn_peer_want(*peer, TOYVPN_WANT_TELL_STATE);
	return 0;
}

/**
 * toyvpn_config_peer() - makes or changes a peer
 * @tv: device, its lock held
 * @config: what to make or change; its blobs are what was there before afterwards
 * @extack: says why it was refused, or that the peer was left out
 *
 * Whatever can fail comes before the first change. A peer with the device's own
 * public key is left out. Sleeps.
 *
 * Return: 0; -ENOENT, -ENETDOWN, -EINVAL, -ENOSPC or -ENOMEM, and nothing has
 * changed.
 */
int toyvpn_config_peer(struct toyvpn_device *tv, struct toyvpn_peer_config *config,
		       struct netlink_ext_ack *extack)
{
	struct toyvpn_routes_reserve reserve = {};
	struct toyvpn_request *request = NULL;
	struct toyvpn_peer *peer;
	int err;

	lockdep_assert_held(&tv->lock);
	if (tv->has_identity &&
	    !memcmp(config->public_key, tv->identity.public, TOYVPN_NOISE_KEY_LEN)) {
		NL_SET_ERR_MSG(extack, "the public key is the device's own: peer left out");
		return 0;
	}
	peer = toyvpn_peer_find(tv, config->public_key);
	if (!peer && config->update_only) {
		NL_SET_ERR_MSG(extack, "there is no such peer");
		return -ENOENT;
	}
	if (config->connect && !tv->up) {
		NL_SET_ERR_MSG(extack, "the interface is down");
		return -ENETDOWN;
	}
	if (config->has_request) {
		request = toyvpn_authorizer_take(tv, config->request_id, config->public_key,
						 extack);
		if (IS_ERR(request))
			return PTR_ERR(request);
	}
	err = toyvpn_routes_reserve(&reserve, config->prefix_count);
	if (err)
		goto out;
	if (peer) {
		if (set_handshake(peer, config))
			erase(peer, TOYVPN_REASON_REMOVED_KEY);
	} else {
		err = add_peer(tv, config, &peer);
		if (err) {
			if (err == -ENOSPC)
				NL_SET_ERR_MSG(extack, "the device has its most peers already");
			goto out;
		}
	}
	apply(tv, peer, config, &reserve);
	if (request)
		toyvpn_handshake_accept(peer, request);
out:
	if (request && err)
		toyvpn_authorizer_give_back(tv, request);
	else
		toyvpn_request_free(request);
	toyvpn_routes_unreserve(&reserve);
	return err;
}

/**
 * toyvpn_config_refuse() - answers a stranger's request with a refusal, or drops it
 * @tv: device, its lock held
 * @request_id: which
 * @why: what the stranger is told; TOYVPN_REJECT_NONE: nothing
 * @extack: says why it was not done
 *
 * Sleeps.
 *
 * Return: 0; -ENOENT or -ENOMEM, and nothing has changed.
 */
int toyvpn_config_refuse(struct toyvpn_device *tv, u32 request_id, enum toyvpn_reject why,
			 struct netlink_ext_ack *extack)
{
	struct toyvpn_request *request;
	int err = 0;

	lockdep_assert_held(&tv->lock);
	request = toyvpn_authorizer_take(tv, request_id, NULL, extack);
	if (IS_ERR(request))
		return PTR_ERR(request);
	if (why != TOYVPN_REJECT_NONE)
		err = toyvpn_handshake_refuse(tv, request, why);
	else
		toyvpn_count(tv, TOYVPN_STAT_HS_UNKNOWN_PEER);
	if (err)
		toyvpn_authorizer_give_back(tv, request);
	else
		toyvpn_request_free(request);
	return err;
}

/**
 * toyvpn_config_remove_peer() - removes a peer, or all of them
 * @tv: device, its lock held
 * @public_key: which, NULL for all
 * @extack: says why it was refused
 *
 * Return: 0 or -ENOENT.
 */
int toyvpn_config_remove_peer(struct toyvpn_device *tv, const u8 *public_key,
			      struct netlink_ext_ack *extack)
{
	struct toyvpn_peer *peer;

	lockdep_assert_held(&tv->lock);
	if (!public_key) {
		toyvpn_peer_remove_all(tv);
		changed(tv);
		return 0;
	}
	peer = toyvpn_peer_find(tv, public_key);
	if (!peer) {
		NL_SET_ERR_MSG(extack, "there is no such peer");
		return -ENOENT;
	}
	toyvpn_peer_remove(peer);
	changed(tv);
	return 0;
}

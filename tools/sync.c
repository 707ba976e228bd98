// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "config.h"
#include "device.h"
#include "fetch.h"
#include "fields.h"
#include "genl.h"
#include "report.h"
#include "sync.h"

/* What the file does not name goes back to its default. */
static void want_defaults(struct device *want)
{
	size_t i;

	want->has |= DEVICE_LISTEN_PORT | DEVICE_FWMARK | DEVICE_CIPHERS;
	for (i = 0; i < want->n_peers; i++)
		want->peers[i]->has |= PEER_REPLACE;
}

/* Peers that are there and not in the file shall go. */
static void want_removals(struct device *want, const struct device *now)
{
	void *index = peer_index(want, NULL);
	size_t i;

	for (i = 0; i < now->n_peers; i++) {
		const uint8_t *key = now->peers[i]->public_key;
		struct peer *peer;

		if (peer_index_find(index, key))
			continue;
		peer = device_add_peer(want);
		peer->has = PEER_PUBLIC_KEY | PEER_REMOVE;
		memcpy(peer->public_key, key, TOYVPN_KEY_LEN);
	}
	peer_index_free(index);
}

static bool same_private_key(const struct device *want, const struct device *now)
{
	uint8_t key[TOYVPN_KEY_LEN];

	/* Public keys compare better: X25519 ignores some bits of a private key. */
	if (!key_to_public(key, want->private_key))
		return !(now->has & DEVICE_PUBLIC_KEY);
	return now->has & DEVICE_PUBLIC_KEY && !memcmp(key, now->public_key, sizeof(key));
}

/* Of the device's settings, want only what differs. */
static void want_device_differences(struct device *want, const struct device *now)
{
	if (same_private_key(want, now))
		want->has &= ~DEVICE_PRIVATE_KEY;
	/* With 0 any port will do, so the one in use does. */
	if (!want->listen_port || want->listen_port == now->listen_port)
		want->has &= ~DEVICE_LISTEN_PORT;
	if (want->fwmark == now->fwmark)
		want->has &= ~DEVICE_FWMARK;
	if (want->n_ciphers == now->n_ciphers &&
	    !memcmp(want->ciphers, now->ciphers, want->n_ciphers))
		want->has &= ~DEVICE_CIPHERS;
}

/* Of a peer's allowed IPs, want only those to add and those to remove. */
static void want_ip_differences(struct peer *want, struct peer *now)
{
	struct peer diff = { 0 };
	size_t w = 0, n = 0;

	peer_sort_ips(want);
	peer_sort_ips(now);
	while (w < want->n_ips || n < now->n_ips) {
		int order = w == want->n_ips ? 1 : n == now->n_ips ? -1 :
			    allowed_ip_compare(&want->ips[w], &now->ips[n]);

		if (order < 0) {
			*peer_add_ip(&diff) = want->ips[w++];
		} else if (order > 0) {
			struct allowed_ip *ip = peer_add_ip(&diff);

			*ip = now->ips[n++];
			ip->remove = true;
		} else {
			w++;
			n++;
		}
	}
	free(want->ips);
	want->ips = diff.ips;
	want->n_ips = diff.n_ips;
	want->has &= ~PEER_ALLOWED_IPS;
}

/* Of a peer that is there already, want only what differs. */
static void want_peer_differences(struct peer *want, struct peer *now)
{
	const unsigned int settings = PEER_PRESHARED_KEY | PEER_ENDPOINT | PEER_KEEPALIVE |
				      PEER_CREDENTIALS;

	want->has &= ~PEER_REPLACE;
	want->has |= PEER_PRESHARED_KEY | PEER_KEEPALIVE;
	if (!memcmp(want->preshared_key, now->preshared_key, TOYVPN_KEY_LEN))
		want->has &= ~PEER_PRESHARED_KEY;
	if (want->keepalive == now->keepalive)
		want->has &= ~PEER_KEEPALIVE;
	/* An endpoint that the file does not name stays as it was learned. */
	if (endpoint_equal(&want->endpoint, &now->endpoint))
		want->has &= ~PEER_ENDPOINT;
	want_ip_differences(want, now);
	if (!(want->has & settings) && !want->n_ips)
		want->has |= PEER_UNCHANGED;
}

static void want_differences(struct device *want, struct device *now)
{
	void *index = peer_index(now, NULL);
	size_t i;

	want_device_differences(want, now);
	for (i = 0; i < want->n_peers; i++) {
		struct peer *peer = peer_index_find(index, want->peers[i]->public_key);

		if (peer)
			want_peer_differences(want->peers[i], peer);
	}
	peer_index_free(index);
}

static bool fetch_all(struct genl *genl, struct device *now)
{
	return fetch_peers(genl, now) ||
	       fail("%s: cannot read its peers: %s", now->ifname, genl->reason);
}

static bool plan(struct genl *genl, struct device *now, struct device *want,
		 enum sync_mode mode)
{
	device_settle_ips(want);
	if (mode == SYNC_ADD)
		return true;
	if (!fetch_all(genl, now))
		return false;
	/* What cannot be seen cannot be told from what is wanted. */
	if (secrets_are_hidden(now))
		return fail("%s: only root may change this (CAP_NET_ADMIN)", now->ifname);
	want_defaults(want);
	if (mode != SYNC_REPLACE)
		want_differences(want, now);
	if (mode != SYNC_SERVER)
		want_removals(want, now);
	return true;
}

/**
 * sync_device() - change a device by what is wanted of it
 * @genl: connection
 * @ifname: the device's name
 * @want: what is wanted; names of its endpoints are resolved, and what need not be changed is taken
 * out
 * @mode: what becomes of what @want does not name
 * @path: file that @want comes from
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool sync_device(struct genl *genl, const char *ifname, struct device *want,
		 enum sync_mode mode, const char *path)
{
	struct device now = { 0 };
	bool good;

	good = fetch_device(genl, ifname, &now);
	if (good) {
		/* A file that is all that there shall be, and has no key, takes the key away. */
		if (mode != SYNC_ADD)
			want->has |= DEVICE_PRIVATE_KEY;
		leave_out_own(want, &now);
		good = config_resolve(want, path) &&
		       plan(genl, &now, want, mode) &&
		       apply(genl, &now, want);
	}
	device_clear(&now);
	return good;
}

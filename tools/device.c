// SPDX-License-Identifier: GPL-2.0
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "device.h"
#include "report.h"

/* Memory of so many peers: of each by itself would be felt with many. */
#define BLOCK_PEERS	64

struct peer_block {
	struct peer_block *next;
	size_t used;
	struct peer peers[BLOCK_PEERS];
};

/* Arrays have room for the next power of two, so that growing one costs little. */
static void *grow(void *array, size_t n, size_t size)
{
	return n & (n - 1) ? array : xrealloc(array, n ? 2 * n : 1, size);
}

/**
 * device_add_peer() - give a device one more peer
 * @dev: the device
 *
 * Return: the peer, all zeros, the device's.
 */
struct peer *device_add_peer(struct device *dev)
{
	struct peer_block *block = dev->blocks;

	if (!block || block->used == BLOCK_PEERS) {
		block = xzalloc(sizeof(*block));
		block->next = dev->blocks;
		dev->blocks = block;
	}
	dev->peers = grow(dev->peers, dev->n_peers, sizeof(*dev->peers));
	return dev->peers[dev->n_peers++] = &block->peers[block->used++];
}

static void clear_blob(struct blob *blob)
{
	if (blob->bytes)
		sodium_memzero(blob->bytes, blob->len);
	free(blob->bytes);
	*blob = (struct blob){ 0 };
}

/**
 * blob_set() - give a blob other bytes
 * @blob: the blob
 * @bytes: they, copied
 * @len: how many
 */
void blob_set(struct blob *blob, const void *bytes, size_t len)
{
	clear_blob(blob);
	if (!len)
		return;
	blob->bytes = xrealloc(NULL, len, 1);
	memcpy(blob->bytes, bytes, len);
	blob->len = len;
}

/**
 * peer_clear() - free all that belongs to a peer, and wipe its secrets
 * @peer: the peer; its place stays, a device's until device_clear_peers()
 */
void peer_clear(struct peer *peer)
{
	clear_blob(&peer->config);
	clear_blob(&peer->credentials);
	clear_blob(&peer->received_config);
	free(peer->host);
	free(peer->ips);
	sodium_memzero(peer, sizeof(*peer));
}

/**
 * device_clear_peers() - free a device's peers
 * @dev: the device
 */
void device_clear_peers(struct device *dev)
{
	struct peer_block *block;
	size_t i;

	for (i = 0; i < dev->n_peers; i++)
		peer_clear(dev->peers[i]);
	while ((block = dev->blocks)) {
		dev->blocks = block->next;
		free(block);
	}
	free(dev->peers);
	dev->peers = NULL;
	dev->n_peers = 0;
}

/**
 * device_clear() - free all that belongs to a device, and wipe its secrets
 * @dev: the device, itself the caller's
 */
void device_clear(struct device *dev)
{
	device_clear_peers(dev);
	sodium_memzero(dev, sizeof(*dev));
}

static void copy_blob(struct blob *to, const struct blob *from)
{
	*to = (struct blob){ 0 };
	blob_set(to, from->bytes, from->len);
}

static void copy_peer(struct peer *to, const struct peer *from)
{
	size_t i;

	*to = *from;
	to->host = from->host ? xstrndup(from->host, strlen(from->host)) : NULL;
	to->ips = NULL;
	to->n_ips = 0;
	for (i = 0; i < from->n_ips; i++)
		*peer_add_ip(to) = from->ips[i];
	copy_blob(&to->config, &from->config);
	copy_blob(&to->credentials, &from->credentials);
	copy_blob(&to->received_config, &from->received_config);
}

/**
 * device_copy() - copy a device with its peers
 * @to: where to; empty
 * @from: the device
 */
void device_copy(struct device *to, const struct device *from)
{
	size_t i;

	*to = *from;
	to->peers = NULL;
	to->n_peers = 0;
	to->blocks = NULL;
	for (i = 0; i < from->n_peers; i++)
		copy_peer(device_add_peer(to), from->peers[i]);
}

/**
 * device_drop_peer() - take a peer out
 * @dev: the device
 * @key: public key of the peer; there may be none that has it, or several
 */
void device_drop_peer(struct device *dev, const uint8_t key[static TOYVPN_KEY_LEN])
{
	size_t i, kept = 0;

	for (i = 0; i < dev->n_peers; i++) {
		if (memcmp(dev->peers[i]->public_key, key, TOYVPN_KEY_LEN))
			dev->peers[kept++] = dev->peers[i];
		else
			peer_clear(dev->peers[i]);
	}
	dev->n_peers = kept;
}

/**
 * device_drop_last() - take back the last device_add_peer()
 * @dev: the device, which has peers
 */
void device_drop_last(struct device *dev)
{
	peer_clear(dev->peers[--dev->n_peers]);
	dev->blocks->used--;
}

/* An allowed IP and how late it was named. */
struct claim {
	struct allowed_ip *ip;
	size_t order;
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *one = a, *other = b;
	int order = allowed_ip_compare(one->ip, other->ip);

	return order ? order : (one->order > other->order) - (one->order < other->order);
}

/**
 * device_settle_ips() - give each allowed IP to the last peer that names it
 * @dev: the device
 *
 * An address has one peer, so this is also what the kernel would come to, peer after peer.
 */
void device_settle_ips(struct device *dev)
{
	struct claim *claims;
	size_t i, j, n = 0;

	for (i = 0; i < dev->n_peers; i++)
		n += dev->peers[i]->n_ips;
	if (!n)
		return;
	claims = xrealloc(NULL, n, sizeof(*claims));
	n = 0;
	for (i = 0; i < dev->n_peers; i++) {
		for (j = 0; j < dev->peers[i]->n_ips; j++) {
			claims[n] = (struct claim){ &dev->peers[i]->ips[j], n };
			n++;
		}
	}
	qsort(claims, n, sizeof(*claims), compare_claims);
	for (i = 0; i + 1 < n; i++)
		claims[i].ip->remove = !allowed_ip_compare(claims[i].ip, claims[i + 1].ip);
	free(claims);

	for (i = 0; i < dev->n_peers; i++) {
		struct peer *peer = dev->peers[i];
		size_t kept = 0;

		for (j = 0; j < peer->n_ips; j++)
			if (!peer->ips[j].remove)
				peer->ips[kept++] = peer->ips[j];
		peer->n_ips = kept;
	}
}

static int compare_ips(const void *a, const void *b)
{
	return allowed_ip_compare(a, b);
}

/**
 * peer_sort_ips() - put a peer's allowed IPs in the order of allowed_ip_compare()
 * @peer: the peer
 */
void peer_sort_ips(struct peer *peer)
{
	if (peer->n_ips)
		qsort(peer->ips, peer->n_ips, sizeof(*peer->ips), compare_ips);
}

/**
 * peer_add_ip() - give a peer one more allowed IP
 * @peer: the peer
 *
 * Return: the allowed IP, to be filled, the peer's until the next call.
 */
struct allowed_ip *peer_add_ip(struct peer *peer)
{
	peer->ips = grow(peer->ips, peer->n_ips, sizeof(*peer->ips));
	return &peer->ips[peer->n_ips++];
}

/* The entries of an index point to the keys, so that a bare key can be looked for. */
static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, TOYVPN_KEY_LEN);
}

static struct peer *peer_of_key(const void *key)
{
	return (struct peer *)((char *)key - offsetof(struct peer, public_key));
}

/**
 * peer_index() - make an index of a device's peers by their public keys
 * @dev: the device, which has to keep its peers until peer_index_free()
 * @twin: if not NULL, set to the second peer with the key of another, or to NULL
 *
 * Return: the index, for peer_index_find(); NULL if there are no peers.
 */
void *peer_index(const struct device *dev, struct peer **twin)
{
	void *index = NULL;
	size_t i;

	if (twin)
		*twin = NULL;
	for (i = 0; i < dev->n_peers; i++) {
		struct peer *peer = dev->peers[i];
		uint8_t **entry = tsearch(peer->public_key, &index, compare_keys);

		if (!entry) {
			fail("out of memory");
			exit(EXIT_FAILURE);
		}
		if (*entry != peer->public_key && twin && !*twin)
			*twin = peer;
	}
	return index;
}

/**
 * peer_index_find() - look a peer up
 * @index: made by peer_index()
 * @key: the peer's public key
 *
 * Return: the first peer that has it, or NULL.
 */
struct peer *peer_index_find(void *index, const uint8_t key[static TOYVPN_KEY_LEN])
{
	const uint8_t **entry = tfind(key, &index, compare_keys);

	return entry ? peer_of_key(*entry) : NULL;
}

static void keep(void *entry)
{
	(void)entry;
}

/**
 * peer_index_free() - free an index, not the peers
 * @index: made by peer_index()
 */
void peer_index_free(void *index)
{
	tdestroy(index, keep);
}

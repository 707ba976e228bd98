// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/toyvpn.h>
#include <sodium.h>

#include "attr.h"
#include "device.h"
#include "fetch.h"
#include "genl.h"
#include "report.h"

/* How often a dump is asked for again because a change overtook it. */
#define DUMP_TRIES	20

struct device_list {
	struct device *devs;
	size_t n;
};

static int read_device_attr(const struct nlattr *attr, void *data)
{
	size_t len = mnl_attr_get_payload_len(attr);
	struct device *dev = data;

	switch (mnl_attr_get_type(attr)) {
	case TOYVPN_A_DEVICE_IFINDEX:
		attr_copy(&dev->ifindex, attr, sizeof(dev->ifindex));
		break;
	case TOYVPN_A_DEVICE_IFNAME:
		attr_copy_text(dev->ifname, sizeof(dev->ifname), attr);
		break;
	case TOYVPN_A_DEVICE_PRIVATE_KEY:
		if (attr_copy(dev->private_key, attr, TOYVPN_KEY_LEN) &&
		    !key_is_zero(dev->private_key))
			dev->has |= DEVICE_PRIVATE_KEY;
		break;
	case TOYVPN_A_DEVICE_PUBLIC_KEY:
		if (attr_copy(dev->public_key, attr, TOYVPN_KEY_LEN))
			dev->has |= DEVICE_PUBLIC_KEY;
		break;
	case TOYVPN_A_DEVICE_LISTEN_PORT:
		if (attr_copy(&dev->listen_port, attr, sizeof(dev->listen_port)))
			dev->has |= DEVICE_LISTEN_PORT;
		break;
	case TOYVPN_A_DEVICE_FWMARK:
		if (attr_copy(&dev->fwmark, attr, sizeof(dev->fwmark)))
			dev->has |= DEVICE_FWMARK;
		break;
	case TOYVPN_A_DEVICE_CIPHERS:
		if (len <= sizeof(dev->ciphers) && attr_copy(dev->ciphers, attr, len)) {
			dev->n_ciphers = len;
			dev->has |= DEVICE_CIPHERS;
		}
		break;
	}
	return MNL_CB_OK;
}

static int read_device(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), read_device_attr, data);
}

/* Not xrealloc(): devices have private keys, and nothing of them may stay where they were. */
static void make_room(struct device_list *list)
{
	struct device *devs;

	/* There is room for the next power of two. */
	if (list->n & (list->n - 1))
		return;
	devs = xrealloc(NULL, list->n ? 2 * list->n : 1, sizeof(*devs));
	if (list->n) {
		memcpy(devs, list->devs, list->n * sizeof(*devs));
		sodium_memzero(list->devs, list->n * sizeof(*devs));
	}
	free(list->devs);
	list->devs = devs;
}

static int read_next_device(const struct nlmsghdr *nlh, void *data)
{
	struct device_list *list = data;

	make_room(list);
	memset(&list->devs[list->n], 0, sizeof(*list->devs));
	return read_device(nlh, &list->devs[list->n++]);
}

static int read_ip_attr(const struct nlattr *attr, void *data)
{
	struct allowed_ip *ip = data;

	switch (mnl_attr_get_type(attr)) {
	case TOYVPN_A_ALLOWED_IP_IPV4:
		if (attr_copy(&ip->v4, attr, sizeof(ip->v4)))
			ip->family = AF_INET;
		break;
	case TOYVPN_A_ALLOWED_IP_IPV6:
		if (attr_copy(&ip->v6, attr, sizeof(ip->v6)))
			ip->family = AF_INET6;
		break;
	case TOYVPN_A_ALLOWED_IP_PREFIX_LEN:
		attr_copy(&ip->prefix_len, attr, sizeof(ip->prefix_len));
		break;
	}
	return MNL_CB_OK;
}

static void read_ip(const struct nlattr *nest, struct peer *peer)
{
	struct allowed_ip ip = { 0 };

	mnl_attr_parse_nested(nest, read_ip_attr, &ip);
	if (ip.family)
		*peer_add_ip(peer) = ip;
}

/**
 * fetch_peer_attr() - read an attribute of a peer
 * @attr: the attribute
 * @data: the peer
 *
 * Return: MNL_CB_OK.
 */
int fetch_peer_attr(const struct nlattr *attr, void *data)
{
	struct peer *peer = data;

	switch (mnl_attr_get_type(attr)) {
	case TOYVPN_A_PEER_PUBLIC_KEY:
		if (attr_copy(peer->public_key, attr, TOYVPN_KEY_LEN))
			peer->has |= PEER_PUBLIC_KEY;
		break;
	case TOYVPN_A_PEER_PRESHARED_KEY:
		if (!attr_copy(peer->preshared_key, attr, TOYVPN_KEY_LEN))
			break;
		peer->has |= PEER_SECRETS;
		if (!key_is_zero(peer->preshared_key))
			peer->has |= PEER_PRESHARED_KEY;
		break;
	case TOYVPN_A_PEER_ENDPOINT_IPV4:
	case TOYVPN_A_PEER_ENDPOINT_IPV6:
	case TOYVPN_A_PEER_ENDPOINT_SCOPE_ID:
	case TOYVPN_A_PEER_ENDPOINT_PORT:
		attr_read_endpoint(&peer->endpoint, attr);
		if (peer->endpoint.any.sa_family)
			peer->has |= PEER_ENDPOINT;
		break;
	case TOYVPN_A_PEER_PERSISTENT_KEEPALIVE:
		attr_copy(&peer->keepalive, attr, sizeof(peer->keepalive));
		break;
	case TOYVPN_A_PEER_ALLOWED_IP:
		read_ip(attr, peer);
		break;
	case TOYVPN_A_PEER_CONFIG:
		blob_set(&peer->config, mnl_attr_get_payload(attr),
			 mnl_attr_get_payload_len(attr));
		break;
	case TOYVPN_A_PEER_RECEIVED_CONFIG:
		blob_set(&peer->received_config, mnl_attr_get_payload(attr),
			 mnl_attr_get_payload_len(attr));
		break;
	case TOYVPN_A_PEER_STATE:
		attr_copy(&peer->state, attr, sizeof(peer->state));
		break;
	case TOYVPN_A_PEER_STATE_SINCE:
		attr_copy(&peer->since, attr, sizeof(peer->since));
		break;
	case TOYVPN_A_PEER_REASON:
		attr_copy(&peer->reason, attr, sizeof(peer->reason));
		break;
	case TOYVPN_A_PEER_CIPHER:
		attr_copy(&peer->cipher, attr, sizeof(peer->cipher));
		break;
	case TOYVPN_A_PEER_LAST_HANDSHAKE:
		attr_copy(&peer->last_handshake, attr, sizeof(peer->last_handshake));
		break;
	case TOYVPN_A_PEER_RX_BYTES:
		attr_copy(&peer->rx_bytes, attr, sizeof(peer->rx_bytes));
		break;
	case TOYVPN_A_PEER_TX_BYTES:
		attr_copy(&peer->tx_bytes, attr, sizeof(peer->tx_bytes));
		break;
	}
	return MNL_CB_OK;
}

/* A message with the key of the peer before goes on with that peer's allowed IPs. */
static int read_peer(const struct nlmsghdr *nlh, void *data)
{
	struct device *dev = data;
	struct peer *before = dev->n_peers ? dev->peers[dev->n_peers - 1] : NULL;
	struct peer *peer = device_add_peer(dev);
	size_t i;

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), fetch_peer_attr, peer);
	if (!(peer->has & PEER_PUBLIC_KEY)) {
		device_drop_last(dev);
	} else if (before && !memcmp(before->public_key, peer->public_key, TOYVPN_KEY_LEN)) {
		for (i = 0; i < peer->n_ips; i++)
			*peer_add_ip(before) = peer->ips[i];
		device_drop_last(dev);
	}
	return MNL_CB_OK;
}

/**
 * fetch_device() - read a device, without its peers
 * @genl: connection
 * @ifname: the device's name
 * @dev: where to; holds nothing yet
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool fetch_device(struct genl *genl, const char *ifname, struct device *dev)
{
	unsigned int ifindex = if_nametoindex(ifname);
	struct nlmsghdr *nlh;

	if (!ifindex)
		return fail("%s: no such network interface", ifname);
	nlh = genl_begin(genl, TOYVPN_CMD_DEVICE_GET, 0);
	mnl_attr_put_u32(nlh, TOYVPN_A_DEVICE_IFINDEX, ifindex);
	genl_end(genl, nlh, 0);
	if (genl_run(genl, read_device, dev))
		return true;
	if (genl->error == EOPNOTSUPP)
		return fail("%s: not a toyvpn interface", ifname);
	return fail("%s: %s", ifname, genl->reason);
}

/**
 * fetch_peers() - read the peers of a device
 * @genl: connection
 * @dev: the device, as fetch_device() made it; has no peers yet
 *
 * Under changes that never pause, the last attempt counts: each peer is right by itself, while a
 * peer that was just made or removed may be missing or not.
 *
 * Return: whether it worked; if not, @genl has the error, and the user has not been told.
 */
bool fetch_peers(struct genl *genl, struct device *dev)
{
	unsigned int tries = DUMP_TRIES;
	struct nlmsghdr *nlh;
	bool good;

	do {
		device_clear_peers(dev);
		nlh = genl_begin(genl, TOYVPN_CMD_PEER_GET, NLM_F_DUMP);
		mnl_attr_put_u32(nlh, TOYVPN_A_PEER_IFINDEX, dev->ifindex);
		genl_end(genl, nlh, 0);
		good = genl_run(genl, read_peer, dev);
	} while (!good && genl->error == EINTR && --tries);

	if (!good && genl->error == EINTR) {
		warn("%s: the peers changed while they were read", dev->ifname);
		good = true;
	}
	return good;
}

/**
 * fetch_all_devices() - read all devices of the network namespace, without their peers
 * @genl: connection
 * @devs: set to an array of devices, the caller's to clear and free
 * @n: set to how many they are
 *
 * Under changes that never pause, the last attempt counts, as in fetch_peers().
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool fetch_all_devices(struct genl *genl, struct device **devs, size_t *n)
{
	unsigned int tries = DUMP_TRIES;
	struct device_list list = { 0 };
	bool good;

	do {
		while (list.n)
			device_clear(&list.devs[--list.n]);
		genl_end(genl, genl_begin(genl, TOYVPN_CMD_DEVICE_GET, NLM_F_DUMP), 0);
		good = genl_run(genl, read_next_device, &list);
	} while (!good && genl->error == EINTR && --tries);

	*devs = list.devs;
	*n = list.n;
	if (!good && genl->error == EINTR) {
		warn("the interfaces changed while they were read");
		good = true;
	}
	return good || fail("cannot read the interfaces: %s", genl->reason);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include <linux/toyvpn.h>

#include "apply.h"
#include "attr.h"
#include "device.h"
#include "genl.h"
#include "report.h"

/* The largest nested allowed IP with its header, and the flags that follow it. */
#define MESSAGE_ROOM	64

/* Peers on their way to the kernel. */
struct sender {
	struct genl *genl;
	const struct device *now;
	const struct peer *peers[GENL_BATCH_MAX];	/* of the messages of the batch */
	unsigned int n;
};

/**
 * leave_out_own() - take a peer with the device's own public key out of what is wanted
 * @want: what is wanted
 * @now: the device as it is
 *
 * So that one list of peers can be given to all of them.
 */
void leave_out_own(struct device *want, const struct device *now)
{
	uint8_t key[TOYVPN_KEY_LEN];

	if (!(want->has & DEVICE_PRIVATE_KEY)) {
		if (now->has & DEVICE_PUBLIC_KEY)
			device_drop_peer(want, now->public_key);
	} else if (key_to_public(key, want->private_key)) {
		device_drop_peer(want, key);
	}
}

static bool lacks_privilege(const struct genl *genl)
{
	return genl->error == EPERM && !genl->explained;
}

static bool refused(const struct genl *genl, const struct device *now)
{
	if (lacks_privilege(genl))
		return fail("%s: only root may change this (CAP_NET_ADMIN)", now->ifname);
	return fail("%s: %s", now->ifname, genl->reason);
}

static bool send_device(struct genl *genl, const struct device *now, const struct device *want)
{
	struct nlmsghdr *nlh;

	if (!want->has)
		return true;
	nlh = genl_begin(genl, TOYVPN_CMD_DEVICE_SET, 0);
	mnl_attr_put_u32(nlh, TOYVPN_A_DEVICE_IFINDEX, now->ifindex);
	if (want->has & DEVICE_PRIVATE_KEY)
		mnl_attr_put(nlh, TOYVPN_A_DEVICE_PRIVATE_KEY, TOYVPN_KEY_LEN, want->private_key);
	if (want->has & DEVICE_LISTEN_PORT)
		mnl_attr_put_u16(nlh, TOYVPN_A_DEVICE_LISTEN_PORT, want->listen_port);
	if (want->has & DEVICE_FWMARK)
		mnl_attr_put_u32(nlh, TOYVPN_A_DEVICE_FWMARK, want->fwmark);
	if (want->has & DEVICE_CIPHERS)
		mnl_attr_put(nlh, TOYVPN_A_DEVICE_CIPHERS, want->n_ciphers, want->ciphers);
	genl_end(genl, nlh, 0);
	return genl_run(genl, NULL, NULL) || refused(genl, now);
}

static bool flush(struct sender *sender)
{
	const struct genl *genl = sender->genl;
	char key[KEY_TEXT_SIZE];

	if (genl_run(sender->genl, NULL, NULL)) {
		sender->n = 0;
		return true;
	}
	if (lacks_privilege(genl) || genl->failed >= sender->n)
		return refused(genl, sender->now);
	key_to_text(key, sender->peers[genl->failed]->public_key);
	return fail("%s: peer %s: %s", sender->now->ifname, key, genl->reason);
}

static struct nlmsghdr *begin(struct sender *sender, const struct peer *peer, uint8_t cmd)
{
	struct nlmsghdr *nlh;

	if (genl_is_full(sender->genl) && !flush(sender))
		return NULL;
	nlh = genl_begin(sender->genl, cmd, 0);
	sender->peers[sender->n++] = peer;
	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_IFINDEX, sender->now->ifindex);
	mnl_attr_put(nlh, TOYVPN_A_PEER_PUBLIC_KEY, TOYVPN_KEY_LEN, peer->public_key);
	return nlh;
}

static void put_endpoint(struct nlmsghdr *nlh, const union endpoint *endpoint)
{
	if (endpoint->any.sa_family == AF_INET) {
		mnl_attr_put_u32(nlh, TOYVPN_A_PEER_ENDPOINT_IPV4, endpoint->v4.sin_addr.s_addr);
	} else {
		mnl_attr_put(nlh, TOYVPN_A_PEER_ENDPOINT_IPV6, sizeof(endpoint->v6.sin6_addr),
			     &endpoint->v6.sin6_addr);
		if (endpoint->v6.sin6_scope_id)
			mnl_attr_put_u32(nlh, TOYVPN_A_PEER_ENDPOINT_SCOPE_ID,
					 endpoint->v6.sin6_scope_id);
	}
	/* The port is at the same place for both families. */
	mnl_attr_put_u16(nlh, TOYVPN_A_PEER_ENDPOINT_PORT, endpoint->v4.sin_port);
}

/* What the first message for a peer has besides allowed IPs. Returns its flags. */
static uint32_t put_settings(struct nlmsghdr *nlh, const struct peer *peer)
{
	uint32_t flags = 0;

	if (peer->has & PEER_PRESHARED_KEY)
		mnl_attr_put(nlh, TOYVPN_A_PEER_PRESHARED_KEY, TOYVPN_KEY_LEN,
			     peer->preshared_key);
	if (peer->has & PEER_ENDPOINT)
		put_endpoint(nlh, &peer->endpoint);
	if (peer->has & PEER_KEEPALIVE)
		mnl_attr_put_u16(nlh, TOYVPN_A_PEER_PERSISTENT_KEEPALIVE, peer->keepalive);
	if (peer->has & PEER_CONFIG)
		mnl_attr_put(nlh, TOYVPN_A_PEER_CONFIG, peer->config.len, peer->config.bytes);
	if (peer->has & PEER_CREDENTIALS)
		mnl_attr_put(nlh, TOYVPN_A_PEER_CREDENTIALS, peer->credentials.len,
			     peer->credentials.bytes);
	if (peer->has & PEER_CONNECT)
		flags |= TOYVPN_PEER_FLAGS_CONNECT;
	if (peer->has & PEER_UPDATE_ONLY)
		flags |= TOYVPN_PEER_FLAGS_UPDATE_ONLY;
	if (peer->has & PEER_REPLACE)
		flags |= TOYVPN_PEER_FLAGS_REPLACE;
	if (peer->has & PEER_ALLOWED_IPS)
		flags |= TOYVPN_PEER_FLAGS_REPLACE_ALLOWED_IPS;
	return flags;
}

/*
 * A message that another continues is answered before that one is sent: were it refused, the other
 * would be taken for a message of its own.
 */
static bool send_peer(struct sender *sender, const struct peer *peer)
{
	struct nlmsghdr *nlh;
	size_t sent = 0;
	bool more;

	do {
		uint32_t flags = 0;

		nlh = begin(sender, peer, TOYVPN_CMD_PEER_SET);
		if (!nlh)
			return false;
		if (!sent)
			flags = put_settings(nlh, peer);
		while (sent < peer->n_ips && nlh->nlmsg_len + MESSAGE_ROOM <= GENL_MESSAGE_MAX)
			attr_put_allowed_ip(nlh, &peer->ips[sent++]);
		more = sent < peer->n_ips;
		if (more)
			flags |= TOYVPN_PEER_FLAGS_MORE;
		if (flags)
			mnl_attr_put_u32(nlh, TOYVPN_A_PEER_FLAGS, flags);
		genl_end(sender->genl, nlh, 0);
		if (more && !flush(sender))
			return false;
	} while (more);
	return true;
}

static bool send_removal(struct sender *sender, const struct peer *peer)
{
	struct nlmsghdr *nlh = begin(sender, peer, TOYVPN_CMD_PEER_DEL);

	/* A peer that is not there needs no removal. */
	if (nlh)
		genl_end(sender->genl, nlh, ENOENT);
	return nlh;
}

/**
 * apply() - make the kernel's device what is wanted
 * @genl: connection
 * @now: the device as it is
 * @want: changes: those of the device first, then peer after peer
 *
 * Stops after the batch in which the kernel refused something. Each peer is changed as a whole or
 * not at all.
 *
 * Return: whether all was done; if not, the user has been told.
 */
bool apply(struct genl *genl, const struct device *now, const struct device *want)
{
	struct sender sender = { .genl = genl, .now = now };
	bool good;
	size_t i;

	good = send_device(genl, now, want);
	for (i = 0; good && i < want->n_peers; i++) {
		const struct peer *peer = want->peers[i];

		if (peer->has & PEER_UNCHANGED)
			continue;
		good = peer->has & PEER_REMOVE ? send_removal(&sender, peer) :
						 send_peer(&sender, peer);
	}
	return good && flush(&sender);
}

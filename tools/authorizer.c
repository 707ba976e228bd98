// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <sodium.h>

#include "attr.h"
#include "authorizer.h"
#include "genl.h"
#include "report.h"

/* Room for the requests of a thousand that come at once. */
#define RECEIVE_BUFFER	(4 << 20)

/**
 * authorizer_open() - become the one who decides for a device
 * @auth: where to; for authorizer_close() in any case
 * @ifname: the device's name, for errors
 * @ifindex: the device
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool authorizer_open(struct authorizer *auth, const char *ifname, uint32_t ifindex)
{
	int size = RECEIVE_BUFFER;
	struct nlmsghdr *nlh;

	*auth = (struct authorizer){ .ifindex = ifindex };
	auth->commands = genl_open();
	if (!auth->commands)
		return false;
	auth->requests = genl_open();
	if (!auth->requests)
		return false;
	/* If this may not be, it stays as large as it is. */
	setsockopt(authorizer_fd(auth), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	nlh = genl_begin(auth->requests, TOYVPN_CMD_AUTHORIZER_SET, 0);
	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_IFINDEX, ifindex);
	genl_end(auth->requests, nlh, 0);
	if (genl_run(auth->requests, NULL, NULL))
		return true;
	if (auth->requests->error == EPERM && !auth->requests->explained)
		return fail("%s: only root may serve (CAP_NET_ADMIN)", ifname);
	return fail("%s: %s", ifname, auth->requests->reason);
}

/**
 * authorizer_close() - end it: strangers hear nothing any more
 * @auth: what authorizer_open() made
 */
void authorizer_close(struct authorizer *auth)
{
	if (auth->requests)
		genl_close(auth->requests);
	if (auth->commands)
		genl_close(auth->commands);
	*auth = (struct authorizer){ 0 };
}

/**
 * authorizer_fd() - what to wait on for requests
 * @auth: the connection
 *
 * Return: a file descriptor, which can be read when there are requests.
 */
int authorizer_fd(const struct authorizer *auth)
{
	return mnl_socket_get_fd(auth->requests->nl);
}

static int read_attr(const struct nlattr *attr, void *data)
{
	size_t len = mnl_attr_get_payload_len(attr);
	struct request *request = data;

	switch (mnl_attr_get_type(attr)) {
	case TOYVPN_A_PEER_REQUEST_ID:
		attr_copy(&request->id, attr, sizeof(request->id));
		break;
	case TOYVPN_A_PEER_PUBLIC_KEY:
		attr_copy(request->public_key, attr, TOYVPN_KEY_LEN);
		break;
	case TOYVPN_A_PEER_CREDENTIALS:
		if (len <= TOYVPN_CREDENTIALS_MAX && attr_copy(request->credentials, attr, len))
			request->credentials_len = len;
		break;
	default:
		attr_read_endpoint(&request->endpoint, attr);
	}
	return MNL_CB_OK;
}

/**
 * authorizer_read() - read the requests that are there
 * @auth: the connection
 * @each: called for each; the request is wiped afterwards
 * @data: for @each
 *
 * Requests that got lost, because there were too many, are made again by those who wait.
 *
 * Return: whether there can be more later; if not, the user has been told.
 */
bool authorizer_read(struct authorizer *auth, void (*each)(struct request *request, void *data),
		     void *data)
{
	struct genl *genl = auth->requests;
	struct request request;
	ssize_t got;

	while ((got = recv(authorizer_fd(auth), genl->answer, sizeof(genl->answer),
			   MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *nlh = (void *)genl->answer;
		int len = (int)got;

		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			const struct genlmsghdr *header = mnl_nlmsg_get_payload(nlh);

			/* Else it is a refusal of ours that came too late. */
			if (nlh->nlmsg_type != genl->family ||
			    mnl_nlmsg_get_payload_len(nlh) < sizeof(*header) ||
			    header->cmd != TOYVPN_CMD_REQUEST_EVENT)
				continue;
			memset(&request, 0, sizeof(request));
			mnl_attr_parse(nlh, sizeof(*header), read_attr, &request);
			each(&request, data);
		}
		sodium_memzero(genl->answer, (size_t)got);
	}
	sodium_memzero(&request, sizeof(request));
	if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return true;
	return fail("netlink: %s", got ? strerror(errno) : "it was closed");
}

static bool set_peer(struct authorizer *auth, const struct admission *admission, uint32_t id)
{
	struct genl *genl = auth->commands;
	struct nlmsghdr *nlh = genl_begin(genl, TOYVPN_CMD_PEER_SET, 0);
	struct allowed_ip ip;
	size_t i;

	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_IFINDEX, auth->ifindex);
	mnl_attr_put(nlh, TOYVPN_A_PEER_PUBLIC_KEY, TOYVPN_KEY_LEN, admission->public_key);
	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_FLAGS, TOYVPN_PEER_FLAGS_REPLACE_ALLOWED_IPS);
	for (i = 0; i < admission->n_ips; i++) {
		/* The address alone, whatever its network */
		ip = admission->ips[i];
		ip.prefix_len = allowed_ip_bits(&ip);
		attr_put_allowed_ip(nlh, &ip);
	}
	mnl_attr_put(nlh, TOYVPN_A_PEER_CONFIG, admission->config_len, admission->config);
	if (id)
		mnl_attr_put_u32(nlh, TOYVPN_A_PEER_REQUEST_ID, id);
	genl_end(genl, nlh, 0);
	return genl_run(genl, NULL, NULL);
}

/**
 * authorizer_admit() - make a stranger a peer, or change one that is
 * @auth: the connection
 * @admission: the peer
 *
 * Where the request has expired the peer is made all the same: it is answered when it tries again.
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool authorizer_admit(struct authorizer *auth, const struct admission *admission)
{
	bool good;

	good = set_peer(auth, admission, admission->request_id);
	if (!good && admission->request_id && auth->commands->error == ENOENT)
		good = set_peer(auth, admission, 0);
	return good || fail("cannot make the peer: %s", auth->commands->reason);
}

/**
 * authorizer_refuse() - tell a stranger that it cannot be a peer, or let it go untold
 * @auth: the connection
 * @id: the request; it may have expired
 * @reason: TOYVPN_REASON_REFUSED or TOYVPN_REASON_SERVER_FULL; TOYVPN_REASON_NONE: no answer
 */
void authorizer_refuse(struct authorizer *auth, uint32_t id, enum toyvpn_reason reason)
{
	struct genl *genl = auth->requests;
	struct nlmsghdr *nlh = genl_begin(genl, TOYVPN_CMD_REQUEST_REFUSE, 0);

	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_IFINDEX, auth->ifindex);
	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_REQUEST_ID, id);
	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_REASON, reason);
	genl_end(genl, nlh, 0);
	/* Only the authorizer's socket may; what it answers stands among requests. */
	mnl_socket_sendto(genl->nl, genl->batch, genl->used);
	genl->used = 0;
}

/**
 * authorizer_remove() - end a peer
 * @auth: the connection
 * @key: its public key; there need be none
 *
 * Return: whether there is none any more; if not, the user has been told.
 */
bool authorizer_remove(struct authorizer *auth, const uint8_t key[static TOYVPN_KEY_LEN])
{
	struct genl *genl = auth->commands;
	struct nlmsghdr *nlh = genl_begin(genl, TOYVPN_CMD_PEER_DEL, 0);

	mnl_attr_put_u32(nlh, TOYVPN_A_PEER_IFINDEX, auth->ifindex);
	mnl_attr_put(nlh, TOYVPN_A_PEER_PUBLIC_KEY, TOYVPN_KEY_LEN, key);
	genl_end(genl, nlh, ENOENT);
	return genl_run(genl, NULL, NULL) || fail("cannot remove the peer: %s", genl->reason);
}

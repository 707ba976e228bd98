// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/toyvpn.h>
#include <sodium.h>

#include "genl.h"
#include "report.h"

/* What linux/netlink.h of an old libc6-dev may lack. */
#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

static_assert(!(offsetof(struct genl, batch) % NLMSG_ALIGNTO), "alignment");
static_assert(!(offsetof(struct genl, answer) % NLMSG_ALIGNTO), "alignment");

static struct nlmsghdr *begin(struct genl *genl, uint16_t type, uint8_t cmd, uint8_t version,
			      uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(genl->batch + genl->used);
	struct genlmsghdr *header;

	if (!genl->used)
		genl->first = genl->seq + 1;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++genl->seq;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->cmd = cmd;
	header->version = version;
	return nlh;
}

/**
 * genl_begin() - begin a message
 * @genl: the connection; its batch is not full
 * @cmd: TOYVPN_CMD_*
 * @flags: 0 or NLM_F_DUMP
 *
 * Return: the message, for attributes up to GENL_MESSAGE_MAX bytes in all, then for genl_end().
 */
struct nlmsghdr *genl_begin(struct genl *genl, uint8_t cmd, uint16_t flags)
{
	return begin(genl, genl->family, cmd, TOYVPN_GENL_VERSION, flags);
}

/**
 * genl_end() - put a message into the batch
 * @genl: the connection
 * @nlh: the message
 * @accept: an errno that counts as success, or 0
 */
void genl_end(struct genl *genl, struct nlmsghdr *nlh, int accept)
{
	genl->last = nlh;
	genl->used += MNL_ALIGN(nlh->nlmsg_len);
	genl->accept[nlh->nlmsg_seq - genl->first] = accept;
}

/**
 * genl_is_full() - whether the batch has to be run before the next message
 * @genl: the connection
 *
 * Return: whether it has.
 */
bool genl_is_full(const struct genl *genl)
{
	return genl->used + GENL_MESSAGE_MAX > sizeof(genl->batch) ||
	       (genl->used && genl->seq - genl->first + 1 == GENL_BATCH_MAX);
}

static int read_string(const struct nlattr *attr, void *data)
{
	const char **text = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		*text = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* Keep what the kernel says of a failure; its attributes begin at @offset of the payload. */
static void note_failure(struct genl *genl, const struct nlmsghdr *nlh, int error, size_t offset)
{
	const char *text = NULL;

	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && offset <= mnl_nlmsg_get_payload_len(nlh))
		mnl_attr_parse(nlh, offset, read_string, &text);
	genl->error = error;
	genl->failed = nlh->nlmsg_seq - genl->first;
	genl->explained = text;
	snprintf(genl->reason, sizeof(genl->reason), "%s", text ? text : strerror(error));
}

/* The answer that ends a request: NLMSG_ERROR, which can be a success, or NLMSG_DONE. */
static void end_request(struct genl *genl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	size_t offset = sizeof(int);
	int error = 0;

	if (len >= sizeof(int))
		error = answer->error == INT_MIN ? EPROTO : -answer->error;
	if (nlh->nlmsg_type == NLMSG_ERROR && len >= sizeof(*answer)) {
		offset = sizeof(*answer);
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			offset += MNL_ALIGN(answer->msg.nlmsg_len) - sizeof(answer->msg);
	}
	/* The first failure is the one to tell of. */
	if (error > 0 && error != genl->accept[nlh->nlmsg_seq - genl->first] && !genl->error)
		note_failure(genl, nlh, error, offset);
}

static bool socket_failed(struct genl *genl)
{
	genl->error = errno;
	genl->failed = 0;
	genl->explained = false;
	snprintf(genl->reason, sizeof(genl->reason), "netlink: %s", strerror(errno));
	return false;
}

/**
 * genl_run() - send the batch and read the answers
 * @genl: the connection
 * @each: called for each message that is an answer and not just an end or an error, or NULL
 * @data: for @each
 *
 * All requests of the batch are done by the kernel, also those after one that fails. A dump that a
 * change overtook fails with EINTR after its last message.
 *
 * Return: whether all requests succeeded; if not, @genl says which did not, and why.
 */
bool genl_run(struct genl *genl, mnl_cb_t each, void *data)
{
	bool interrupted = false, open = genl->used;
	ssize_t sent;

	genl->error = 0;
	if (!open)
		return true;
	/* Refusals come in any case, and the kernel works in order: one answer more ends it. */
	if (!(genl->last->nlmsg_flags & NLM_F_DUMP))
		genl->last->nlmsg_flags |= NLM_F_ACK;
	sent = mnl_socket_sendto(genl->nl, genl->batch, genl->used);
	sodium_memzero(genl->batch, genl->used);
	genl->used = 0;
	if (sent < 0)
		return socket_failed(genl);

	while (open) {
		ssize_t got = mnl_socket_recvfrom(genl->nl, genl->answer, sizeof(genl->answer));
		const struct nlmsghdr *nlh = (void *)genl->answer;
		int len = got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return socket_failed(genl);
		if (genl->received < (size_t)got)
			genl->received = got;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			/* What is left of an earlier request that was given up. */
			if (nlh->nlmsg_seq - genl->first > genl->seq - genl->first)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				interrupted = true;
			if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
				end_request(genl, nlh);
				if (nlh->nlmsg_seq == genl->seq)
					open = false;
			} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && each) {
				each(nlh, data);
			}
		}
	}
	if (interrupted && !genl->error) {
		errno = EINTR;
		return socket_failed(genl);
	}
	return !genl->error;
}

static int read_family_id(const struct nlattr *attr, void *data)
{
	struct genl *genl = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
		genl->family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int read_family(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), read_family_id, data);
}

/**
 * genl_family() - read what the kernel says of the family itself
 * @genl: the connection; its batch is empty
 * @each: called for the answer
 * @data: for @each
 *
 * Return: whether it worked; if not, @genl says why.
 */
bool genl_family(struct genl *genl, mnl_cb_t each, void *data)
{
	struct nlmsghdr *nlh = begin(genl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, TOYVPN_GENL_NAME);
	genl_end(genl, nlh, 0);
	return genl_run(genl, each, data);
}

static bool resolve_family(struct genl *genl)
{
	if (genl_family(genl, read_family, genl) && genl->family)
		return true;
	if (genl->error == ENOENT)
		return fail("the kernel module is not loaded: try \"modprobe toyvpn\"");
	return fail("cannot find the netlink family %s: %s", TOYVPN_GENL_NAME, genl->reason);
}

/**
 * genl_open() - connect to the kernel module
 *
 * Return: the connection, for genl_close(), or NULL: the user has been told why.
 */
struct genl *genl_open(void)
{
	struct genl *genl = xzalloc(sizeof(*genl));
	int on = 1;

	genl->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!genl->nl || mnl_socket_bind(genl->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		fail("cannot open a netlink socket: %s", strerror(errno));
		goto fail;
	}
	mnl_socket_setsockopt(genl->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(genl->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(genl->nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (!resolve_family(genl))
		goto fail;
	return genl;
fail:
	genl_close(genl);
	return NULL;
}

/**
 * genl_close() - end a connection and wipe what went over it
 * @genl: the connection, which is freed
 */
void genl_close(struct genl *genl)
{
	if (genl->nl)
		mnl_socket_close(genl->nl);
	/* Not all of it: to touch memory that was never used costs more than most commands need. */
	sodium_memzero(genl->batch, genl->used);
	sodium_memzero(genl->answer, genl->received);
	free(genl);
}

// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/toyvpn.h>

#include "attr.h"
#include "events.h"
#include "fetch.h"
#include "genl.h"
#include "report.h"

#define MESSAGE_SIZE	16384
/* Room for the events of many peers at once. */
#define RECEIVE_BUFFER	(4 << 20)

/* A multicast group of a family. */
struct group {
	char name[GENL_NAMSIZ];
	uint32_t id;
};

static int read_group_attr(const struct nlattr *attr, void *data)
{
	struct group *group = data;

	switch (mnl_attr_get_type(attr)) {
	case CTRL_ATTR_MCAST_GRP_NAME:
		attr_copy_text(group->name, sizeof(group->name), attr);
		break;
	case CTRL_ATTR_MCAST_GRP_ID:
		attr_copy(&group->id, attr, sizeof(group->id));
		break;
	}
	return MNL_CB_OK;
}

static int read_groups(const struct nlattr *attr, void *data)
{
	struct group group = { 0 };
	uint32_t *id = data;

	mnl_attr_parse_nested(attr, read_group_attr, &group);
	if (!strcmp(group.name, TOYVPN_MCGRP_EVENTS))
		*id = group.id;
	return MNL_CB_OK;
}

static int read_family_attr(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		mnl_attr_parse_nested(attr, read_groups, data);
	return MNL_CB_OK;
}

static int read_family(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct genlmsghdr), read_family_attr, data);
}

/* The number of the group of events, 0 if it cannot be found. */
static uint32_t find_group(void)
{
	struct genl *genl = genl_open();
	uint32_t id = 0;

	if (!genl)
		return 0;
	if (!genl_family(genl, read_family, &id))
		fail("cannot find the events of %s: %s", TOYVPN_GENL_NAME, genl->reason);
	else if (!id)
		fail("the kernel module is older than this program: it has no events");
	genl_close(genl);
	return id;
}

/**
 * events_open() - from now on be told what changes for peers of this network namespace
 * @events: the connection
 *
 * Return: whether it worked; if not, the user has been told. In any case @events is for
 * events_close().
 */
bool events_open(struct events *events)
{
	int group, size = RECEIVE_BUFFER;

	events->nl = NULL;
	group = (int)find_group();
	if (!group)
		return false;
	events->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!events->nl || mnl_socket_bind(events->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(events->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return fail("cannot listen to events: %s", strerror(errno));
	setsockopt(events_fd(events), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return true;
}

/**
 * events_close() - be told no more
 * @events: the connection
 */
void events_close(struct events *events)
{
	if (events->nl)
		mnl_socket_close(events->nl);
	events->nl = NULL;
}

/**
 * events_fd() - what to wait for with poll()
 * @events: the connection
 *
 * Return: a file descriptor, readable when there is an event.
 */
int events_fd(const struct events *events)
{
	return mnl_socket_get_fd(events->nl);
}

static int read_attr(const struct nlattr *attr, void *data)
{
	struct event *event = data;

	switch (mnl_attr_get_type(attr)) {
	case TOYVPN_A_PEER_IFINDEX:
		attr_copy(&event->ifindex, attr, sizeof(event->ifindex));
		break;
	case TOYVPN_A_PEER_IFNAME:
		attr_copy_text(event->ifname, sizeof(event->ifname), attr);
		break;
	case TOYVPN_A_PEER_EVENT:
		attr_copy(&event->event, attr, sizeof(event->event));
		break;
	default:
		return fetch_peer_attr(attr, &event->peer);
	}
	return MNL_CB_OK;
}

static void tell(const struct nlmsghdr *nlh, events_each each, void *data)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(nlh);
	struct event event = { 0 };

	if (nlh->nlmsg_type < NLMSG_MIN_TYPE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*header) ||
	    header->cmd != TOYVPN_CMD_PEER_EVENT)
		return;
	mnl_attr_parse(nlh, sizeof(*header), read_attr, &event);
	each(&event, data);
	peer_clear(&event.peer);
}

/**
 * events_read() - read the events that there are by now
 * @events: the connection
 * @each: called for each
 * @data: for @each
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool events_read(struct events *events, events_each each, void *data)
{
	char buffer[MESSAGE_SIZE] __aligned(NLMSG_ALIGNTO);

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(events->nl, buffer, sizeof(buffer));
		const struct nlmsghdr *nlh = (void *)buffer;
		int len = got;

		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (got < 0 && errno == ENOBUFS)
			each(NULL, data);
		else if (got < 0 && errno != EINTR)
			return fail("cannot listen to events: %s", strerror(errno));
		for (; got > 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			tell(nlh, each, data);
	}
}

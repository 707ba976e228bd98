// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/toyvpn.h>

#include "attr.h"
#include "report.h"
#include "rtnl.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* A message that we send, and one that we receive. */
#define REQUEST_SIZE	512
#define ANSWER_SIZE	32768

#define MESSAGE_ALIGNED	__aligned(NLMSG_ALIGNTO)

static bool failed(struct rtnl *rtnl, int error, const char *text)
{
	rtnl->error = error;
	snprintf(rtnl->reason, sizeof(rtnl->reason), "%s", text ? text : strerror(error));
	return false;
}

static int find_sentence(const struct nlattr *attr, void *data)
{
	const char **text = data;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		*text = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* The end of a request: whether it was a success. */
static bool judge(struct rtnl *rtnl, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(nlh);
	size_t len = mnl_nlmsg_get_payload_len(nlh), offset = sizeof(*answer);
	const char *text = NULL;

	if (len < sizeof(int) || !answer->error)
		return true;
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && nlh->nlmsg_type == NLMSG_ERROR &&
	    len > offset) {
		if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
			offset += MNL_ALIGN(answer->msg.nlmsg_len) - sizeof(answer->msg);
		if (offset <= len)
			mnl_attr_parse(nlh, offset, find_sentence, &text);
	}
	return failed(rtnl, answer->error == INT_MIN ? EPROTO : -answer->error, text);
}

/* Send a request and read what comes back, each answer going to @each. */
static bool run(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t each, void *data)
{
	char answer[ANSWER_SIZE] MESSAGE_ALIGNED;

	nlh->nlmsg_seq = ++rtnl->seq;
	nlh->nlmsg_flags |= NLM_F_REQUEST;
	/* NLM_F_EXCL is one of its two bits. */
	if ((nlh->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(rtnl->nl, nlh, nlh->nlmsg_len) < 0)
		return failed(rtnl, errno, NULL);
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(rtnl->nl, answer, sizeof(answer));
		const struct nlmsghdr *reply = (void *)answer;
		int len = got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(rtnl, errno, NULL);
		for (; mnl_nlmsg_ok(reply, len); reply = mnl_nlmsg_next(reply, &len)) {
			if (reply->nlmsg_seq != rtnl->seq)
				continue;
			if (reply->nlmsg_type == NLMSG_ERROR || reply->nlmsg_type == NLMSG_DONE)
				return judge(rtnl, reply);
			if (each)
				each(reply, data);
		}
	}
}

static bool open_groups(struct rtnl *rtnl, unsigned int groups)
{
	int on = 1;

	*rtnl = (struct rtnl){ .nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) };
	if (!rtnl->nl || mnl_socket_bind(rtnl->nl, groups, MNL_SOCKET_AUTOPID) < 0) {
		fail("cannot open a netlink socket: %s", strerror(errno));
		rtnl_close(rtnl);
		return false;
	}
	mnl_socket_setsockopt(rtnl->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(rtnl->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return true;
}

/**
 * rtnl_open() - connect to rtnetlink
 * @rtnl: the connection
 *
 * Return: whether it worked, the connection then being for rtnl_close(); if not, the user has been
 * told.
 */
bool rtnl_open(struct rtnl *rtnl)
{
	return open_groups(rtnl, 0);
}

/**
 * rtnl_is_gone() - whether the last error says that something is not there any more
 * @rtnl: connection
 *
 * Return: whether it does.
 */
bool rtnl_is_gone(const struct rtnl *rtnl)
{
	int error = rtnl->error;

	return error == ENODEV || error == ENOENT || error == ESRCH || error == EADDRNOTAVAIL ||
	       error == ENXIO;
}

/**
 * rtnl_close() - end a connection
 * @rtnl: the connection, or zeros
 */
void rtnl_close(struct rtnl *rtnl)
{
	if (rtnl->nl)
		mnl_socket_close(rtnl->nl);
	rtnl->nl = NULL;
}

/*
 * Links
 */

static struct nlmsghdr *begin_link(char *buffer, uint16_t type, uint16_t flags,
				   uint32_t ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *header;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->ifi_family = AF_UNSPEC;
	header->ifi_index = (int)ifindex;
	return nlh;
}

/**
 * rtnl_link_add() - make a link of our kind, down
 * @rtnl: connection
 * @ifname: its name
 *
 * Return: whether it worked; if not, @rtnl has why.
 */
bool rtnl_link_add(struct rtnl *rtnl, const char *ifname)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	nlh = begin_link(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, RTNL_KIND);
	mnl_attr_nest_end(nlh, nest);
	return run(rtnl, nlh, NULL, NULL);
}

/**
 * rtnl_link_del() - remove a link
 * @rtnl: connection
 * @ifindex: its index
 *
 * Return: whether it worked; if not, @rtnl has why.
 */
bool rtnl_link_del(struct rtnl *rtnl, uint32_t ifindex)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;

	return run(rtnl, begin_link(buffer, RTM_DELLINK, 0, ifindex), NULL, NULL);
}

static int read_kind(const struct nlattr *attr, void *data)
{
	struct rtnl_link *link = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		snprintf(link->kind, sizeof(link->kind), "%.*s",
			 (int)mnl_attr_get_payload_len(attr),
			 (const char *)mnl_attr_get_payload(attr));
	return MNL_CB_OK;
}

static int read_link_attr(const struct nlattr *attr, void *data)
{
	struct rtnl_link *link = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_MTU:
		attr_copy(&link->mtu, attr, sizeof(link->mtu));
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, read_kind, link);
		break;
	}
	return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(nlh);
	struct rtnl_link *link = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*header))
		return MNL_CB_OK;
	link->ifindex = (uint32_t)header->ifi_index;
	return mnl_attr_parse(nlh, sizeof(*header), read_link_attr, link);
}

static bool get_link(struct rtnl *rtnl, struct nlmsghdr *nlh, struct rtnl_link *link)
{
	memset(link, 0, sizeof(*link));
	return run(rtnl, nlh, read_link, link);
}

/**
 * rtnl_link_get() - look a link up
 * @rtnl: connection
 * @ifname: its name
 * @link: where to
 *
 * Return: whether there is one; if not, @rtnl has why: ENODEV for none.
 */
bool rtnl_link_get(struct rtnl *rtnl, const char *ifname, struct rtnl_link *link)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct nlmsghdr *nlh = begin_link(buffer, RTM_GETLINK, 0, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	return get_link(rtnl, nlh, link);
}

/* Without, an address would take others of its network with it when it goes. */
static void put_promote_secondaries(struct nlmsghdr *nlh)
{
	struct nlattr *families, *family, *settings;

	families = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	family = mnl_attr_nest_start(nlh, AF_INET);
	settings = mnl_attr_nest_start(nlh, IFLA_INET_CONF);
	mnl_attr_put_u32(nlh, IPV4_DEVCONF_PROMOTE_SECONDARIES, 1);
	mnl_attr_nest_end(nlh, settings);
	mnl_attr_nest_end(nlh, family);
	mnl_attr_nest_end(nlh, families);
}

/**
 * rtnl_link_up() - set a link's MTU and switch it on, which may both be so already
 * @rtnl: connection
 * @ifindex: its index
 * @mtu: its MTU
 *
 * Return: whether it worked; if not, @rtnl has why.
 */
bool rtnl_link_up(struct rtnl *rtnl, uint32_t ifindex, uint32_t mtu)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct nlmsghdr *nlh = begin_link(buffer, RTM_NEWLINK, 0, ifindex);
	struct ifinfomsg *header = mnl_nlmsg_get_payload(nlh);

	header->ifi_flags = IFF_UP;
	header->ifi_change = IFF_UP;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	put_promote_secondaries(nlh);
	return run(rtnl, nlh, NULL, NULL);
}

/*
 * Addresses
 */

static bool change_address(struct rtnl *rtnl, uint16_t type, uint16_t flags, uint32_t ifindex,
			   const struct allowed_ip *address)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *header;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->ifa_family = address->family;
	header->ifa_prefixlen = address->prefix_len;
	header->ifa_index = ifindex;
	/* Usable at once: nobody else in a tunnel can have it. */
	if (address->family == AF_INET6)
		header->ifa_flags = IFA_F_NODAD;
	mnl_attr_put(nlh, IFA_LOCAL, allowed_ip_size(address), &address->v6);
	mnl_attr_put(nlh, IFA_ADDRESS, allowed_ip_size(address), &address->v6);
	return run(rtnl, nlh, NULL, NULL);
}

/**
 * rtnl_address_add() - give a link an address
 * @rtnl: connection
 * @ifindex: the link
 * @address: the address, with its network's prefix
 *
 * Return: whether it worked; if not, @rtnl has why.
 */
bool rtnl_address_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address)
{
	return change_address(rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);
}

/**
 * rtnl_address_del() - take an address from a link
 * @rtnl: connection
 * @ifindex: the link
 * @address: the address, with its network's prefix
 *
 * Return: whether it worked; if not, @rtnl has why: EADDRNOTAVAIL if it was not there.
 */
bool rtnl_address_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address)
{
	return change_address(rtnl, RTM_DELADDR, 0, ifindex, address);
}

/*
 * Routes
 */

static struct nlmsghdr *begin_route(char *buffer, uint16_t type, uint16_t flags,
				    const struct allowed_ip *to)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtmsg *header;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->rtm_family = to->family;
	header->rtm_dst_len = to->prefix_len;
	if (to->prefix_len)
		mnl_attr_put(nlh, RTA_DST, allowed_ip_size(to), &to->v6);
	return nlh;
}

static bool change_route(struct rtnl *rtnl, uint16_t type, uint16_t flags, uint32_t ifindex,
			 const struct allowed_ip *to, uint32_t table)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct nlmsghdr *nlh = begin_route(buffer, type, flags, to);
	struct rtmsg *header = mnl_nlmsg_get_payload(nlh);

	header->rtm_table = RT_TABLE_UNSPEC;
	header->rtm_scope = RT_SCOPE_LINK;
	if (type == RTM_NEWROUTE) {
		header->rtm_protocol = RTPROT_STATIC;
		header->rtm_type = RTN_UNICAST;
	}
	mnl_attr_put_u32(nlh, RTA_TABLE, table);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	return run(rtnl, nlh, NULL, NULL);
}

/**
 * rtnl_route_add() - add a route into a link
 * @rtnl: connection
 * @ifindex: the link
 * @to: the network
 * @table: the table of routes
 *
 * Return: whether it worked; if not, @rtnl has why.
 */
bool rtnl_route_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
		    uint32_t table)
{
	return change_route(rtnl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, ifindex, to, table);
}

/**
 * rtnl_route_del() - remove a route into a link
 * @rtnl: connection
 * @ifindex: the link
 * @to: the network
 * @table: the table of routes
 *
 * Return: whether it worked; if not, @rtnl has why: ESRCH if it was not there.
 */
bool rtnl_route_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
		    uint32_t table)
{
	return change_route(rtnl, RTM_DELROUTE, 0, ifindex, to, table);
}

static void read_ip(struct allowed_ip *ip, const struct nlattr *attr, int family)
{
	ip->family = family;
	if (mnl_attr_get_payload_len(attr) != allowed_ip_size(ip)) {
		ip->family = 0;
		return;
	}
	memcpy(&ip->v6, mnl_attr_get_payload(attr), allowed_ip_size(ip));
	ip->prefix_len = allowed_ip_bits(ip);
}

static int read_metric(const struct nlattr *attr, void *data)
{
	struct rtnl_path *path = data;

	if (mnl_attr_get_type(attr) == RTAX_MTU)
		attr_copy(&path->mtu, attr, sizeof(path->mtu));
	return MNL_CB_OK;
}

/* A way that is found, and whether it is one. */
struct finding {
	struct rtnl_path *path;
	int family;
	bool good;
};

static int read_path_attr(const struct nlattr *attr, void *data)
{
	struct finding *finding = data;
	struct rtnl_path *path = finding->path;

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		attr_copy(&path->ifindex, attr, sizeof(path->ifindex));
		break;
	case RTA_PREFSRC:
		read_ip(&path->source, attr, finding->family);
		break;
	case RTA_GATEWAY:
		read_ip(&path->gateway, attr, finding->family);
		break;
	case RTA_METRICS:
		mnl_attr_parse_nested(attr, read_metric, path);
		break;
	}
	return MNL_CB_OK;
}

static int read_path(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(nlh);
	struct finding *finding = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*header))
		return MNL_CB_OK;
	finding->family = header->rtm_family;
	finding->good = header->rtm_type == RTN_UNICAST || header->rtm_type == RTN_LOCAL;
	return mnl_attr_parse(nlh, sizeof(*header), read_path_attr, finding);
}

/**
 * rtnl_path_to() - find the way that a packet of a tunnel would take
 * @rtnl: connection
 * @endpoint: where to
 * @mark: the packet's mark
 * @path: set to the way
 *
 * Return: whether there is one; if not, @rtnl has why.
 */
bool rtnl_path_to(struct rtnl *rtnl, const union endpoint *endpoint, uint32_t mark,
		  struct rtnl_path *path)
{
	struct finding finding = { .path = path };
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct allowed_ip to = { .family = endpoint->any.sa_family };
	struct rtnl_link link;
	struct nlmsghdr *nlh;

	memset(path, 0, sizeof(*path));
	if (to.family == AF_INET)
		to.v4 = endpoint->v4.sin_addr;
	else
		to.v6 = endpoint->v6.sin6_addr;
	to.prefix_len = allowed_ip_bits(&to);
	nlh = begin_route(buffer, RTM_GETROUTE, 0, &to);
	if (mark)
		mnl_attr_put_u32(nlh, RTA_MARK, mark);
	if (to.family == AF_INET6 && endpoint->v6.sin6_scope_id)
		mnl_attr_put_u32(nlh, RTA_OIF, endpoint->v6.sin6_scope_id);
	if (!run(rtnl, nlh, read_path, &finding))
		return false;
	if (!finding.good || !path->ifindex)
		return failed(rtnl, ENETUNREACH, NULL);
	if (!path->mtu) {
		nlh = begin_link(buffer, RTM_GETLINK, 0, path->ifindex);
		if (!get_link(rtnl, nlh, &link))
			return false;
		path->mtu = link.mtu;
	}
	return true;
}

/* A search for anything that uses a table. */
struct use {
	uint32_t table;
	bool found;
};

static int read_table_attr(const struct nlattr *attr, void *data)
{
	struct use *use = data;
	uint32_t table;

	/* FRA_TABLE has the same number. */
	if (mnl_attr_get_type(attr) == RTA_TABLE && attr_copy(&table, attr, sizeof(table)) &&
	    table == use->table)
		use->found = true;
	return MNL_CB_OK;
}

static int read_table(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct rtmsg), read_table_attr, data);
}

/**
 * rtnl_table_is_free() - whether no route and no rule of either family uses a table
 * @rtnl: connection
 * @table: the table
 *
 * Return: whether it is so, as far as it can be found out.
 */
bool rtnl_table_is_free(struct rtnl *rtnl, uint32_t table)
{
	static const uint16_t types[] = { RTM_GETROUTE, RTM_GETRULE };
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct use use = { .table = table };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types) && !use.found; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
		struct rtmsg *header;

		nlh->nlmsg_type = types[i];
		nlh->nlmsg_flags = NLM_F_DUMP;
		header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
		header->rtm_family = AF_UNSPEC;
		if (!run(rtnl, nlh, read_table, &use))
			return false;
	}
	return !use.found;
}

/*
 * Rules. For each family there is one that sends what has no mark to the tunnel's table, and,
 * before it, one that lets the main table's routes hold, all but its default one.
 */

static bool change_rule(struct rtnl *rtnl, uint16_t type, uint16_t flags, int family,
			uint32_t mark)
{
	char buffer[REQUEST_SIZE] MESSAGE_ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *header;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->family = family;
	header->action = FR_ACT_TO_TBL;
	header->table = RT_TABLE_UNSPEC;
	if (mark) {
		header->flags = FIB_RULE_INVERT;
		mnl_attr_put_u32(nlh, FRA_PRIORITY, RTNL_RULE_TUNNEL);
		mnl_attr_put_u32(nlh, FRA_FWMARK, mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, UINT32_MAX);
		mnl_attr_put_u32(nlh, FRA_TABLE, mark);
	} else {
		mnl_attr_put_u32(nlh, FRA_PRIORITY, RTNL_RULE_MAIN);
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
		mnl_attr_put_u32(nlh, FRA_TABLE, RT_TABLE_MAIN);
	}
	return run(rtnl, nlh, NULL, NULL);
}

/**
 * rtnl_rule_add() - add one of the rules of a tunnel that is the default route
 * @rtnl: connection
 * @family: AF_INET or AF_INET6
 * @mark: what packets that carry the tunnel are marked with, also the number of its table: the rule
 * that sends all else there; 0: the rule that lets the main table's routes hold
 *
 * Return: whether it worked; if not, @rtnl has why.
 */
bool rtnl_rule_add(struct rtnl *rtnl, int family, uint32_t mark)
{
	return change_rule(rtnl, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family, mark);
}

/**
 * rtnl_rule_del() - remove such a rule
 * @rtnl: connection
 * @family: AF_INET or AF_INET6
 * @mark: as for rtnl_rule_add()
 *
 * Return: whether it worked; if not, @rtnl has why: ENOENT if it was not there.
 */
bool rtnl_rule_del(struct rtnl *rtnl, int family, uint32_t mark)
{
	return change_rule(rtnl, RTM_DELRULE, 0, family, mark);
}

/*
 * What changes
 */

/**
 * rtnl_watch_open() - be told of changes to links, addresses and routes
 * @rtnl: a connection for just that
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool rtnl_watch_open(struct rtnl *rtnl)
{
	const unsigned int groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
	int fd;

	if (!open_groups(rtnl, groups))
		return false;
	fd = mnl_socket_get_fd(rtnl->nl);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return fail("cannot watch the network: %s", strerror(errno));
	return true;
}

static int read_oif(const struct nlattr *attr, void *data)
{
	uint32_t *ifindex = data;

	if (mnl_attr_get_type(attr) == RTA_OIF)
		attr_copy(ifindex, attr, sizeof(*ifindex));
	return MNL_CB_OK;
}

static void tell(const struct nlmsghdr *nlh, rtnl_changed changed, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(nlh);
	uint32_t ifindex = 0;

	/* Of what is looked at, no header is shorter. */
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*address))
		return;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		changed(nlh->nlmsg_type == RTM_NEWLINK ? RTNL_LINK : RTNL_LINK_GONE,
			(uint32_t)link->ifi_index, data);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		changed(nlh->nlmsg_type == RTM_NEWADDR ? RTNL_ADDRESS : RTNL_ADDRESS_GONE,
			address->ifa_index, data);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		mnl_attr_parse(nlh, sizeof(struct rtmsg), read_oif, &ifindex);
		changed(RTNL_ROUTE, ifindex, data);
		break;
	}
}

/**
 * rtnl_watch_read() - read the changes that there are by now
 * @rtnl: made by rtnl_watch_open()
 * @changed: called for each; where too many came at once, once with RTNL_ROUTE of no link
 * @data: for @changed
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool rtnl_watch_read(struct rtnl *rtnl, rtnl_changed changed, void *data)
{
	char answer[ANSWER_SIZE] MESSAGE_ALIGNED;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(rtnl->nl, answer, sizeof(answer));
		const struct nlmsghdr *nlh = (void *)answer;
		int len = got;

		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (got < 0 && errno == ENOBUFS)
			changed(RTNL_ROUTE, 0, data);
		else if (got < 0 && errno != EINTR)
			return fail("cannot watch the network: %s", strerror(errno));
		for (; got > 0 && mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
			tell(nlh, changed, data);
	}
}

// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include <libmnl/libmnl.h>
#include <linux/toyvpn.h>

#include "addr.h"
#include "attr.h"

/**
 * attr_copy_text() - copy the text that an attribute holds
 * @to: where to; stays as it is if the attribute holds none
 * @size: room there; a longer text is cut
 * @attr: the attribute
 */
void attr_copy_text(char *to, size_t size, const struct nlattr *attr)
{
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
		snprintf(to, size, "%s", mnl_attr_get_str(attr));
}

/**
 * attr_read_endpoint() - read one part of a peer's endpoint
 * @endpoint: where to; has a family as soon as its address was read
 * @attr: an attribute of a peer; if it is about something else, nothing is done
 */
void attr_read_endpoint(union endpoint *endpoint, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case TOYVPN_A_PEER_ENDPOINT_IPV4:
		if (attr_copy(&endpoint->v4.sin_addr, attr, sizeof(endpoint->v4.sin_addr)))
			endpoint->any.sa_family = AF_INET;
		break;
	case TOYVPN_A_PEER_ENDPOINT_IPV6:
		if (attr_copy(&endpoint->v6.sin6_addr, attr, sizeof(endpoint->v6.sin6_addr)))
			endpoint->any.sa_family = AF_INET6;
		break;
	case TOYVPN_A_PEER_ENDPOINT_SCOPE_ID:
		attr_copy(&endpoint->v6.sin6_scope_id, attr, sizeof(endpoint->v6.sin6_scope_id));
		break;
	case TOYVPN_A_PEER_ENDPOINT_PORT:
		/* The port is at the same place for both families. */
		attr_copy(&endpoint->v6.sin6_port, attr, sizeof(endpoint->v6.sin6_port));
		break;
	}
}

/**
 * attr_put_allowed_ip() - add an allowed IP to a message about a peer
 * @nlh: the message
 * @ip: the allowed IP, or that it is to be removed
 */
void attr_put_allowed_ip(struct nlmsghdr *nlh, const struct allowed_ip *ip)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, TOYVPN_A_PEER_ALLOWED_IP);

	mnl_attr_put(nlh, ip->family == AF_INET ? TOYVPN_A_ALLOWED_IP_IPV4 :
		     TOYVPN_A_ALLOWED_IP_IPV6, allowed_ip_size(ip), &ip->v6);
	mnl_attr_put_u8(nlh, TOYVPN_A_ALLOWED_IP_PREFIX_LEN, ip->prefix_len);
	if (ip->remove)
		mnl_attr_put(nlh, TOYVPN_A_ALLOWED_IP_REMOVE, 0, NULL);
	mnl_attr_nest_end(nlh, nest);
}

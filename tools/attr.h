/* SPDX-License-Identifier: GPL-2.0 */
/* Attributes of netlink that several messages have. */
#ifndef ATTR_H
#define ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <libmnl/libmnl.h>

union endpoint;
struct allowed_ip;

/**
 * attr_copy() - copy what an attribute holds
 * @to: where to
 * @attr: the attribute
 * @size: bytes that it has to have
 *
 * Inline, as a dump calls it a dozen times for each peer with a size that is known.
 *
 * Return: whether it has just so many; if not, nothing is copied.
 */
static inline bool attr_copy(void *to, const struct nlattr *attr, size_t size)
{
	if (mnl_attr_get_payload_len(attr) != size)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), size);
	return true;
}

void attr_copy_text(char *to, size_t size, const struct nlattr *attr);
void attr_read_endpoint(union endpoint *endpoint, const struct nlattr *attr);
void attr_put_allowed_ip(struct nlmsghdr *nlh, const struct allowed_ip *ip);

#endif

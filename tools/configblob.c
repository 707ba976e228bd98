// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <string.h>

#include "configblob.h"

/* Types of section 6. Integers are little-endian. */
enum {
	CONFIG_END = 0,
	CONFIG_ADDRESS = 1,
	CONFIG_ROUTE = 2,
	CONFIG_DNS = 3,
	CONFIG_SEARCH = 4,
	CONFIG_MTU = 5,
	CONFIG_KEEPALIVE = 6,
};

/* A type with this bit has to be understood. */
#define CONFIG_REQUIRED		0x8000
#define TLV_HEADER		4
#define LABEL_MAX		63

/* The text that is being made: what does not fit is noticed once, at the end. */
struct writer {
	uint8_t *bytes;
	size_t len;
	bool full;
};

static uint16_t get_u16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static void put_u16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = value & 0xff;
	bytes[1] = value >> 8;
}

/* Room for a value of @len bytes, or NULL. */
static uint8_t *put(struct writer *writer, uint16_t type, size_t len)
{
	uint8_t *at = writer->bytes + writer->len;

	if (TLV_HEADER + len > CONFIGBLOB_MAX - writer->len) {
		writer->full = true;
		return NULL;
	}
	put_u16(at, type);
	put_u16(at + 2, (uint16_t)len);
	writer->len += TLV_HEADER + len;
	return at + TLV_HEADER;
}

static void put_ips(struct writer *writer, uint16_t type, const struct allowed_ip *ips, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint8_t *value = put(writer, type, 2 + allowed_ip_size(&ips[i]));

		if (!value)
			return;
		value[0] = ips[i].family == AF_INET ? 4 : 6;
		value[1] = type == CONFIG_DNS ? 0 : ips[i].prefix_len;
		memcpy(value + 2, &ips[i].v6, allowed_ip_size(&ips[i]));
	}
}

static void put_text(struct writer *writer, uint16_t type, const char *text, size_t len)
{
	uint8_t *value = put(writer, type, len);

	if (value)
		memcpy(value, text, len);
}

static void put_number(struct writer *writer, uint16_t type, uint16_t number)
{
	uint8_t *value = put(writer, type, sizeof(number));

	if (value)
		put_u16(value, number);
}

/**
 * configblob_encode() - write what a server gives its client
 * @blob: what it gives
 * @bytes: where to
 * @len: set to how many bytes it takes
 *
 * Return: whether it fits.
 */
bool configblob_encode(const struct configblob *blob, uint8_t bytes[static CONFIGBLOB_MAX],
		       size_t *len)
{
	struct writer writer = { .bytes = bytes };
	const char *name = NULL;

	put_ips(&writer, CONFIG_ADDRESS, blob->addresses, blob->n_addresses);
	put_ips(&writer, CONFIG_ROUTE, blob->routes, blob->n_routes);
	put_ips(&writer, CONFIG_DNS, blob->dns, blob->n_dns);
	while ((name = configblob_next_search(blob, name)))
		put_text(&writer, CONFIG_SEARCH, name, strlen(name));
	if (blob->mtu)
		put_number(&writer, CONFIG_MTU, blob->mtu);
	if (blob->has_keepalive)
		put_number(&writer, CONFIG_KEEPALIVE, blob->keepalive);
	*len = writer.len;
	return !writer.full;
}

/*
 * Reading. What comes from a server is not to be trusted: all of it becomes routes and lines of
 * resolv.conf.
 */

/* Whether it can be the address of one host; of DNS servers also one of the host's own. */
static bool is_host(const struct allowed_ip *ip)
{
	uint32_t v4 = ntohl(ip->v4.s_addr);

	if (ip->family == AF_INET)
		return v4 >> 24 && !IN_MULTICAST(v4) && !IN_BADCLASS(v4);
	return !IN6_IS_ADDR_UNSPECIFIED(&ip->v6) && !IN6_IS_ADDR_MULTICAST(&ip->v6) &&
	       !IN6_IS_ADDR_V4MAPPED(&ip->v6);
}

static bool is_loopback(const struct allowed_ip *ip)
{
	if (ip->family == AF_INET)
		return ntohl(ip->v4.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&ip->v6);
}

static bool read_ip(struct allowed_ip *ip, const uint8_t *value, size_t len)
{
	memset(ip, 0, sizeof(*ip));
	if (len < 2)
		return false;
	if (value[0] == 4)
		ip->family = AF_INET;
	else if (value[0] == 6)
		ip->family = AF_INET6;
	else
		return false;
	if (len != 2 + allowed_ip_size(ip) || value[1] > allowed_ip_bits(ip))
		return false;
	ip->prefix_len = value[1];
	memcpy(&ip->v6, value + 2, allowed_ip_size(ip));
	return true;
}

static const char *read_address(struct configblob *blob, const uint8_t *value, size_t len)
{
	struct allowed_ip ip;

	if (!read_ip(&ip, value, len) || !ip.prefix_len || !is_host(&ip) || is_loopback(&ip))
		return "an address that cannot be one";
	blob->addresses[blob->n_addresses++] = ip;
	return NULL;
}

static const char *read_route(struct configblob *blob, const uint8_t *value, size_t len)
{
	struct allowed_ip ip;

	if (!read_ip(&ip, value, len))
		return "a route that cannot be one";
	allowed_ip_mask(&ip);
	blob->routes[blob->n_routes++] = ip;
	return NULL;
}

static const char *read_dns(struct configblob *blob, const uint8_t *value, size_t len)
{
	struct allowed_ip ip;

	if (!read_ip(&ip, value, len) || ip.prefix_len || !is_host(&ip))
		return "a DNS server that cannot be one";
	ip.prefix_len = allowed_ip_bits(&ip);
	blob->dns[blob->n_dns++] = ip;
	return NULL;
}

/* Letters, digits, '-' and '_' in labels with a dot between them; one at the end is the root. */
static bool is_domain(const char *name, size_t len)
{
	size_t i, label = 0;

	if (!len || len > CONFIGBLOB_SEARCH_MAX)
		return false;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c == '.') {
			if (!label || name[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (c > 127 || (!isalnum(c) && c != '_' && (c != '-' || !label)))
			return false;
		label++;
		if (label > LABEL_MAX)
			return false;
	}
	return name[len - 1] != '-';
}

/**
 * configblob_add_search() - add a domain to look names up in
 * @blob: where to
 * @name: its name, without a zero byte at its end
 * @len: length of the name
 *
 * Return: whether it is the name of a domain and there is room for it.
 */
bool configblob_add_search(struct configblob *blob, const char *name, size_t len)
{
	if (!is_domain(name, len) || len + 1 > sizeof(blob->search) - blob->search_len)
		return false;
	memcpy(blob->search + blob->search_len, name, len);
	blob->search[blob->search_len + len] = '\0';
	blob->search_len += len + 1;
	return true;
}

/**
 * configblob_next_search() - go through the domains
 * @blob: where they are
 * @name: the one before, or NULL for the first
 *
 * Return: the name of the next domain, @blob's, or NULL.
 */
const char *configblob_next_search(const struct configblob *blob, const char *name)
{
	const char *end = blob->search + blob->search_len;

	name = name ? name + strlen(name) + 1 : blob->search;
	return name < end ? name : NULL;
}

static const char *read_mtu(struct configblob *blob, const uint8_t *value, size_t len)
{
	if (blob->mtu)
		return "two MTUs";
	if (len != sizeof(blob->mtu) || get_u16(value) < CONFIGBLOB_MTU_MIN)
		return "an MTU that cannot be one";
	blob->mtu = get_u16(value);
	return NULL;
}

static const char *read_keepalive(struct configblob *blob, const uint8_t *value, size_t len)
{
	if (blob->has_keepalive)
		return "two intervals of keepalives";
	if (len != sizeof(blob->keepalive))
		return "an interval of keepalives that cannot be one";
	blob->keepalive = get_u16(value);
	blob->has_keepalive = true;
	return NULL;
}

/* Read one value. Returns what is wrong with it, or NULL. */
static const char *read_value(struct configblob *blob, uint16_t type, const uint8_t *value,
			      size_t len)
{
	switch (type) {
	case CONFIG_ADDRESS:
		return read_address(blob, value, len);
	case CONFIG_ROUTE:
		return read_route(blob, value, len);
	case CONFIG_DNS:
		return read_dns(blob, value, len);
	case CONFIG_SEARCH:
		if (!configblob_add_search(blob, (const char *)value, len))
			return "a domain that cannot be one";
		return NULL;
	case CONFIG_MTU:
		return read_mtu(blob, value, len);
	case CONFIG_KEEPALIVE:
		return read_keepalive(blob, value, len);
	}
	/* Something newer, that can be left out if it says so. */
	return type & CONFIG_REQUIRED ? "something that this version does not know" : NULL;
}

/**
 * configblob_decode() - read what a server gives its client
 * @blob: where to; all of it is set
 * @bytes: what came
 * @len: how many bytes
 * @why: on failure, what is wrong: a noun, such as "two MTUs"
 *
 * Routes are without bits past their prefix. An address has at least one bit of a prefix and is one
 * host's. Each array has room for all that @len bytes can hold.
 *
 * Return: whether all of it is right; if not, nothing of @blob is to be used.
 */
bool configblob_decode(struct configblob *blob, const uint8_t *bytes, size_t len,
		       const char **why)
{
	memset(blob, 0, sizeof(*blob));
	*why = NULL;
	if (len > CONFIGBLOB_MAX)
		*why = "more than there can be";
	while (!*why && len) {
		uint16_t type, size;

		if (len < TLV_HEADER) {
			/* What is left of the zeros at the end */
			if (len == 1 ? bytes[0] : get_u16(bytes))
				*why = "half a value";
			break;
		}
		type = get_u16(bytes);
		if (type == CONFIG_END)
			break;
		size = get_u16(bytes + 2);
		bytes += TLV_HEADER;
		len -= TLV_HEADER;
		if (size > len) {
			*why = "a value that is longer than all";
			break;
		}
		*why = read_value(blob, type, bytes, size);
		bytes += size;
		len -= size;
	}
	return !*why;
}

// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addr.h"
#include "encoding.h"
#include "report.h"

/* Waits between attempts to resolve a name, milliseconds: each half as long again as the last. */
#define RETRY_FIRST	1000
#define RETRY_LONGEST	20000
#define RETRIES		15

/**
 * allowed_ip_size() - the size of an address of this family
 * @ip: the address
 *
 * Return: bytes, from the start of both @ip->v4 and @ip->v6.
 */
size_t allowed_ip_size(const struct allowed_ip *ip)
{
	return ip->family == AF_INET ? sizeof(ip->v4) : sizeof(ip->v6);
}

/**
 * allowed_ip_bits() - the prefix of one address of this family
 * @ip: the address
 *
 * Return: 32 or 128.
 */
uint8_t allowed_ip_bits(const struct allowed_ip *ip)
{
	return (uint8_t)(8 * allowed_ip_size(ip));
}

/**
 * address_from_text() - read an address and the length of its network's prefix
 * @ip: where to
 * @text: ADDRESS or ADDRESS/PREFIX, nothing around it
 * @why: on failure, what is wrong
 *
 * Without a prefix it is one host.
 *
 * Return: whether it is one.
 */
bool address_from_text(struct allowed_ip *ip, const char *text, const char **why)
{
	const char *slash = strchrnul(text, '/');
	char address[INET6_ADDRSTRLEN] = "";
	uint32_t prefix_len;

	memset(ip, 0, sizeof(*ip));
	if ((size_t)(slash - text) < sizeof(address))
		memcpy(address, text, slash - text);
	ip->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(ip->family, address, &ip->v6) != 1) {
		*why = "not an IP address";
		return false;
	}
	prefix_len = allowed_ip_bits(ip);
	if (*slash && !number_from_text(slash + 1, prefix_len, &prefix_len)) {
		*why = ip->family == AF_INET ? "after the slash has to be a number from 0 to 32" :
					       "after the slash has to be a number from 0 to 128";
		return false;
	}
	ip->prefix_len = prefix_len;
	return true;
}

/**
 * allowed_ip_mask() - clear the bits past the prefix, which makes a network of an address
 * @ip: the address
 */
void allowed_ip_mask(struct allowed_ip *ip)
{
	uint8_t *bytes = ip->v6.s6_addr;
	size_t i;

	if (ip->prefix_len % 8)
		bytes[ip->prefix_len / 8] &= 0xff << (8 - ip->prefix_len % 8);
	for (i = (ip->prefix_len + 7U) / 8; i < allowed_ip_size(ip); i++)
		bytes[i] = 0;
}

/**
 * allowed_ip_from_text() - read a network
 * @ip: where to
 * @text: ADDRESS or ADDRESS/PREFIX, nothing around it
 * @why: on failure, what is wrong
 *
 * Bits past the prefix are cleared.
 *
 * Return: whether it is one.
 */
bool allowed_ip_from_text(struct allowed_ip *ip, const char *text, const char **why)
{
	if (!address_from_text(ip, text, why))
		return false;
	allowed_ip_mask(ip);
	return true;
}

/**
 * allowed_ip_to_text() - write a network as ADDRESS/PREFIX
 * @text: where to
 * @ip: the network
 */
void allowed_ip_to_text(char text[static ALLOWED_IP_TEXT_SIZE], const struct allowed_ip *ip)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(ip->family, &ip->v6, address, sizeof(address));
	snprintf(text, ALLOWED_IP_TEXT_SIZE, "%s/%u", address, ip->prefix_len);
}

/**
 * allowed_ip_compare() - put networks in an order
 * @a: one
 * @b: another
 *
 * Return: less than, equal to or more than 0, as for qsort().
 */
int allowed_ip_compare(const struct allowed_ip *a, const struct allowed_ip *b)
{
	int order;

	if (a->family != b->family)
		return a->family - b->family;
	order = memcmp(&a->v6, &b->v6, allowed_ip_size(a));
	return order ? order : a->prefix_len - b->prefix_len;
}

/**
 * endpoint_split() - take HOST:PORT apart
 * @text: HOST:PORT, or [IPv6]:PORT
 * @host: set to a copy of the host, the caller's to free
 * @port: set to the port
 * @why: on failure, what is wrong
 *
 * Return: whether it has that form.
 */
bool endpoint_split(const char *text, char **host, uint16_t *port, const char **why)
{
	const char *begin = text, *end, *colon;
	uint32_t number;

	if (*text == '[') {
		begin++;
		end = strchr(begin, ']');
		if (!end || end[1] != ':') {
			*why = "has to be [ADDRESS]:PORT";
			return false;
		}
		colon = end + 1;
	} else {
		end = strchr(begin, ':');
		if (!end) {
			*why = "has no port: HOST:PORT is wanted";
			return false;
		}
		if (strchr(end + 1, ':')) {
			*why = "an IPv6 address needs brackets: [ADDRESS]:PORT";
			return false;
		}
		colon = end;
	}
	if (end == begin) {
		*why = "has no host";
		return false;
	}
	if (!number_from_text(colon + 1, UINT16_MAX, &number) || !number) {
		*why = "the port has to be a number from 1 to 65535";
		return false;
	}
	*host = xstrndup(begin, end - begin);
	*port = number;
	return true;
}

/**
 * endpoint_retries() - how often to look a name up again, from the environment
 *
 * Return: how often; UINT32_MAX stands for no end.
 */
uint32_t endpoint_retries(void)
{
	const char *text = getenv("TOYVPN_ENDPOINT_RESOLUTION_RETRIES");
	uint32_t retries;

	if (text && !strcmp(text, "infinity"))
		return UINT32_MAX;
	if (text && number_from_text(text, UINT32_MAX, &retries))
		return retries;
	return RETRIES;
}

/* Errors that another try does not help. */
static bool is_permanent(int error)
{
	return error == EAI_NONAME || error == EAI_FAIL || error == EAI_NODATA ||
	       error == EAI_SERVICE || error == EAI_FAMILY || error == EAI_MEMORY;
}

/**
 * endpoint_flaw() - what is wrong with an address as that of one peer
 * @endpoint: the address
 *
 * Return: a phrase, or NULL if nothing is.
 */
const char *endpoint_flaw(const union endpoint *endpoint)
{
	const struct in6_addr *v6 = &endpoint->v6.sin6_addr;
	in_addr_t v4 = ntohl(endpoint->v4.sin_addr.s_addr);

	if (endpoint->any.sa_family == AF_INET) {
		if (!(v4 >> 24) || IN_MULTICAST(v4) || v4 == INADDR_BROADCAST)
			return "not the address of one host";
	} else {
		if (IN6_IS_ADDR_UNSPECIFIED(v6) || IN6_IS_ADDR_MULTICAST(v6))
			return "not the address of one host";
		if (IN6_IS_ADDR_V4MAPPED(v6))
			return "an IPv4 address in an IPv6 one: write just the IPv4 address";
		if (IN6_IS_ADDR_LINKLOCAL(v6) && !endpoint->v6.sin6_scope_id)
			return "needs its interface: [ADDRESS%INTERFACE]:PORT";
	}
	return NULL;
}

/**
 * endpoint_is_address() - whether a host is an address, for which nobody has to be asked
 * @host: an address, or a name
 *
 * Return: whether it is.
 */
bool endpoint_is_address(const char *host)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found;

	if (getaddrinfo(host, NULL, &hints, &found))
		return false;
	freeaddrinfo(found);
	return true;
}

/**
 * endpoint_resolve() - find the address of a host
 * @endpoint: where to
 * @host: an address, or a name to resolve
 * @port: UDP port
 * @why: on failure, what is wrong
 *
 * Tries again, after waits that grow, while the name service cannot answer for now.
 *
 * Return: whether there is an address.
 */
bool endpoint_resolve(union endpoint *endpoint, const char *host, uint16_t port,
		      const char **why)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
	};
	uint32_t retries = endpoint_retries();
	unsigned int wait = RETRY_FIRST;
	struct addrinfo *found;
	int error;

	while ((error = getaddrinfo(host, NULL, &hints, &found))) {
		struct timespec pause = { wait / 1000, wait % 1000 * 1000000L };

		if (is_permanent(error) || !retries) {
			*why = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
			return false;
		}
		warn("%s: %s; next try in %u.%u seconds", host,
		     error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error),
		     wait / 1000, wait % 1000 / 100);
		nanosleep(&pause, NULL);
		wait += wait / 2;
		if (wait > RETRY_LONGEST)
			wait = RETRY_LONGEST;
		if (retries != UINT32_MAX)
			retries--;
	}
	memset(endpoint, 0, sizeof(*endpoint));
	memcpy(endpoint, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	*why = endpoint_flaw(endpoint);
	if (*why)
		return false;
	if (endpoint->any.sa_family == AF_INET)
		endpoint->v4.sin_port = htons(port);
	else
		endpoint->v6.sin6_port = htons(port);
	return true;
}

/**
 * endpoint_to_text() - write an endpoint as ADDRESS:PORT
 * @text: where to
 * @endpoint: the endpoint, or none
 */
void endpoint_to_text(char text[static ENDPOINT_TEXT_SIZE], const union endpoint *endpoint)
{
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE] = "";

	if (endpoint->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &endpoint->v4.sin_addr, host, sizeof(host));
		snprintf(text, ENDPOINT_TEXT_SIZE, "%s:%u", host, ntohs(endpoint->v4.sin_port));
	} else if (endpoint->any.sa_family == AF_INET6) {
		/* Not inet_ntop(): this one adds the scope. */
		getnameinfo(&endpoint->any, sizeof(endpoint->v6), host, sizeof(host), NULL, 0,
			    NI_NUMERICHOST);
		snprintf(text, ENDPOINT_TEXT_SIZE, "[%s]:%u", host,
			 ntohs(endpoint->v6.sin6_port));
	} else {
		snprintf(text, ENDPOINT_TEXT_SIZE, "(none)");
	}
}

/**
 * endpoint_equal() - compare two endpoints
 * @a: one
 * @b: another
 *
 * Return: whether they are the same place.
 */
bool endpoint_equal(const union endpoint *a, const union endpoint *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port &&
		       a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	if (a->any.sa_family == AF_INET6)
		return a->v6.sin6_port == b->v6.sin6_port &&
		       a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
	return true;
}

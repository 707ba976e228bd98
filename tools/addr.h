/* SPDX-License-Identifier: GPL-2.0 */
/* Allowed IPs and endpoints, and their text. */
#ifndef ADDR_H
#define ADDR_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct allowed_ip - a network that a peer may use
 * @family: AF_INET or AF_INET6
 * @prefix_len: bits of the network
 * @remove: it shall be taken from the peer
 * @v4: the address, if it is IPv4
 * @v6: the address, if it is IPv6
 */
struct allowed_ip {
	uint8_t family;
	uint8_t prefix_len;
	bool remove;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* The address of a peer on the outer network; any.sa_family is 0 if there is none. */
union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "ADDRESS/128" */
#define ALLOWED_IP_TEXT_SIZE	(INET6_ADDRSTRLEN + 4)
/* "[ADDRESS%INTERFACE]:65535" */
#define ENDPOINT_TEXT_SIZE	(INET6_ADDRSTRLEN + IF_NAMESIZE + 9)

size_t allowed_ip_size(const struct allowed_ip *ip);
uint8_t allowed_ip_bits(const struct allowed_ip *ip);
bool address_from_text(struct allowed_ip *ip, const char *text, const char **why);
void allowed_ip_mask(struct allowed_ip *ip);
bool allowed_ip_from_text(struct allowed_ip *ip, const char *text, const char **why);
void allowed_ip_to_text(char text[static ALLOWED_IP_TEXT_SIZE], const struct allowed_ip *ip);
int allowed_ip_compare(const struct allowed_ip *a, const struct allowed_ip *b);

bool endpoint_split(const char *text, char **host, uint16_t *port, const char **why);
uint32_t endpoint_retries(void);
bool endpoint_is_address(const char *host);
bool endpoint_resolve(union endpoint *endpoint, const char *host, uint16_t port,
		      const char **why);
const char *endpoint_flaw(const union endpoint *endpoint);
void endpoint_to_text(char text[static ENDPOINT_TEXT_SIZE], const union endpoint *endpoint);
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

#endif

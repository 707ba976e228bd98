/* SPDX-License-Identifier: GPL-2.0 */
/* Which name servers this host asks: systemd-resolved, resolvconf, or resolv.conf itself. */
#ifndef DNS_H
#define DNS_H

#include <stdbool.h>
#include <stdint.h>

const char *dns_method(void);
bool dns_set(const char *method, const char *ifname, uint32_t ifindex, const char *servers,
	     const char *search);
bool dns_unset(const char *method, const char *ifname, uint32_t ifindex);
bool dns_is_left(const char *ifname);
bool dns_put_back(const char *ifname);

#endif

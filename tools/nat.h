/* SPDX-License-Identifier: GPL-2.0 */
/* The way of a server's clients to the rest of the world, behind the server's own address. */
#ifndef NAT_H
#define NAT_H

#include <stdbool.h>
#include <stddef.h>

#include "addr.h"

bool nat_up(const char *ifname, const struct allowed_ip *clients, size_t n, const char *out);
bool nat_down(const char *ifname);

#endif

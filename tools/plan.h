/* SPDX-License-Identifier: GPL-2.0 */
/* What has to be done for a tunnel, step by step. Nothing is done here. */
#ifndef PLAN_H
#define PLAN_H

#include <stdint.h>

#include <json-c/json.h>

struct configblob;
struct quick;

/* Outer headers and our own, with IPv6 outside: 40 + 8 + 16 + 16. */
#define PLAN_OVERHEAD	80
/* For a path of 1,500, as the module's own links have it. */
#define PLAN_MTU	1420

/**
 * struct plan - what the steps depend on besides the file
 * @mark: mark of the packets that carry the tunnel, and number of its table of routes; 0 for none
 * @mtu: MTU of the link
 * @dns: how name servers are set here
 */
struct plan {
	uint32_t mark;
	uint32_t mtu;
	const char *dns;
};

bool plan_needs_mark(const struct quick *quick);
bool plan_has_default(const struct quick *quick, int family);
void plan_take(struct quick *quick, const struct configblob *given);
json_object *plan_steps(const struct quick *quick, const struct plan *plan);

#endif

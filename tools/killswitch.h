/* SPDX-License-Identifier: GPL-2.0 */
/* Lets nothing out but through a tunnel. */
#ifndef KILLSWITCH_H
#define KILLSWITCH_H

#include <stdbool.h>
#include <stdint.h>

bool killswitch_set(const char *ifname, uint32_t mark, bool local);
bool killswitch_unset(const char *ifname);

#endif

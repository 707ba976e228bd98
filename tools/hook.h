/* SPDX-License-Identifier: GPL-2.0 */
/* The user's own commands at the moments of a tunnel. */
#ifndef HOOK_H
#define HOOK_H

#include <stdbool.h>

bool hook_run(const char *command, const char *ifname);

#endif

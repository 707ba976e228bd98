/* SPDX-License-Identifier: GPL-2.0 */
/* Sends what is wanted to the kernel. */
#ifndef APPLY_H
#define APPLY_H

#include <stdbool.h>

struct device;
struct genl;

void leave_out_own(struct device *want, const struct device *now);
bool apply(struct genl *genl, const struct device *now, const struct device *want);

#endif

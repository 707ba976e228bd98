/* SPDX-License-Identifier: GPL-2.0 */
/* What the names of peers were found to be, in a tunnel's record: for when nobody can be asked. */
#ifndef KNOWN_H
#define KNOWN_H

#include <stdbool.h>

#include "record.h"
#include "resolve.h"

bool known_set(struct record *record, const char *host, const struct answer *answer);
bool known_get(const struct record *record, const char *host, uint16_t port,
	       struct answer *answer);

#endif

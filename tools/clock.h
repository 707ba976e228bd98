/* SPDX-License-Identifier: GPL-2.0 */
/* What time it is. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_ms(clockid_t clock);

#endif

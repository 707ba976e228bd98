/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's settings in /proc/sys. */
#ifndef SYSCTL_H
#define SYSCTL_H

#include <stdbool.h>

/* Of a value as text, with the 0 at its end */
#define SYSCTL_VALUE_SIZE	32

bool sysctl_read(const char *name, char value[static SYSCTL_VALUE_SIZE]);
bool sysctl_write(const char *name, const char *value);

#endif

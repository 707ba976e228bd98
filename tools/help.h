/* SPDX-License-Identifier: GPL-2.0 */
/* What is said of each command to those who ask, or who use it otherwise. */
#ifndef HELP_H
#define HELP_H

#include <stdbool.h>

bool usage(const char *command);
bool unknown_command(const char *name);
bool help_of(const char *name);

#endif

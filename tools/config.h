/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the words of a command line, or a configuration file, into the model. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

struct device;

bool config_from_words(struct device *dev, int n, char *words[]);
bool config_from_file(struct device *dev, const char *path);
bool config_resolve(struct device *dev, const char *path);

#endif

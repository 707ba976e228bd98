/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the words of a command line, or a configuration file, into the model. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>

struct device;
struct place;

/**
 * struct config_key - a key of [Interface] that is not the kernel's
 * @name: the key
 * @parse: reads its value, without white space around it, into what config_read() was given; where
 * it is wrong, tells the user and returns false
 * @repeats: it may be there several times
 */
struct config_key {
	const char *name;
	bool (*parse)(void *to, char *value, const struct place *at);
	bool repeats;
};

bool config_from_words(struct device *dev, int n, char *words[]);
bool config_from_file(struct device *dev, const char *path);
bool config_read(struct device *dev, const char *path, const struct config_key *more, void *to);
char *config_next_entry(char **list, const char *separators);
bool config_resolve(struct device *dev, const char *path);
bool config_resolve_addresses(struct device *dev, const char *path);

#endif

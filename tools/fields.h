/* SPDX-License-Identifier: GPL-2.0 */
/* What can be told of a device and of a peer, as text and as JSON, for programs. */
#ifndef FIELDS_H
#define FIELDS_H

#include <stdbool.h>

#include <json-c/json.h>

#include "device.h"

enum {
	FIELD_SECRET = 1,	/* only root may see it */
	FIELD_CONFIG = 2,	/* part of a configuration */
};

/**
 * struct device_field - something to tell of a device
 * @word: the word of "show" that asks for it
 * @flags: FIELD_*
 * @text: print it
 * @json: add it to an object
 */
struct device_field {
	const char *word;
	unsigned int flags;
	void (*text)(const struct device *dev);
	void (*json)(const struct device *dev, json_object *to);
};

/**
 * struct peer_field - something to tell of each peer
 * @word: the word of "show" that asks for it
 * @flags: FIELD_*
 * @text: print it
 * @json: add it to an object
 */
struct peer_field {
	const char *word;
	unsigned int flags;
	void (*text)(const struct peer *peer);
	void (*json)(const struct peer *peer, json_object *to);
};

/**
 * struct view - which fields an object of JSON shall have
 * @word: just what this word of "show" asks for, or NULL
 * @config: else just what is part of a configuration
 * @secrets: else secrets as well
 */
struct view {
	const char *word;
	bool config;
	bool secrets;
};

const struct device_field *find_device_field(const char *word);
const struct peer_field *find_peer_field(const char *word);

bool secrets_are_hidden(const struct device *dev);
void print_key(const uint8_t key[static TOYVPN_KEY_LEN], bool is_set);
void print_public_key(const uint8_t key[static TOYVPN_KEY_LEN]);
void print_ips(const struct peer *peer, const char *separator);
void print_endpoint(const struct peer *peer);
void print_dump(const struct device *dev, const char *prefix);

json_object *json_of_peer(const struct peer *peer, const struct view *view);
json_object *json_of_device(const struct device *dev, const struct view *view);
bool json_print(json_object *object);

#endif

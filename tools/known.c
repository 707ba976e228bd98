// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "known.h"

/* In the record: an object with an array of ADDRESS:PORT for each name. */
#define KNOWN	"addresses"

/**
 * known_set() - have a record hold the addresses of a name, once it is saved
 * @record: the record
 * @host: the name
 * @answer: its addresses, as they were found
 *
 * Return: whether the record has held others.
 */
bool known_set(struct record *record, const char *host, const struct answer *answer)
{
	json_object *all, *before = NULL, *list = json_object_new_array();
	char text[ENDPOINT_TEXT_SIZE];
	unsigned int i;
	bool differs;

	for (i = 0; i < answer->n; i++) {
		endpoint_to_text(text, &answer->list[i]);
		json_object_array_add(list, json_object_new_string(text));
	}
	if (!json_object_object_get_ex(record->json, KNOWN, &all) ||
	    !json_object_is_type(all, json_type_object)) {
		all = json_object_new_object();
		json_object_object_add(record->json, KNOWN, all);
	}
	json_object_object_get_ex(all, host, &before);
	differs = !json_object_equal(before, list);
	json_object_object_add(all, host, list);
	return differs;
}

static bool read_address(union endpoint *endpoint, const char *text, uint16_t port)
{
	uint16_t former_port;
	const char *why;
	char *host;
	bool good;

	if (!text || !endpoint_split(text, &host, &former_port, &why))
		return false;
	good = endpoint_is_address(host) && endpoint_resolve(endpoint, host, port, &why);
	free(host);
	return good;
}

/**
 * known_get() - the addresses that a name was found to have when it was looked up last
 * @record: the record
 * @host: the name
 * @port: UDP port, which the addresses get
 * @answer: where to; its error stays what it is
 *
 * Return: whether there are any.
 */
bool known_get(const struct record *record, const char *host, uint16_t port,
	       struct answer *answer)
{
	json_object *all, *list;
	size_t i, n = 0;

	if (json_object_object_get_ex(record->json, KNOWN, &all) &&
	    json_object_object_get_ex(all, host, &list) &&
	    json_object_is_type(list, json_type_array))
		n = json_object_array_length(list);
	answer->n = 0;
	for (i = 0; i < n && answer->n < RESOLVE_MAX; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));

		if (read_address(&answer->list[answer->n], text, port))
			answer->n++;
	}
	return answer->n;
}

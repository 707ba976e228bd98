// SPDX-License-Identifier: GPL-2.0
/*
 * The texts of addresses, endpoints and keys, each in memory of just its size. What is read as one
 * is written as a text that is read as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void check_allowed_ip(const char *text)
{
	char written[ALLOWED_IP_TEXT_SIZE];
	struct allowed_ip one, other;
	const char *why = NULL;

	if (!allowed_ip_from_text(&one, text, &why)) {
		must(why);
		return;
	}
	allowed_ip_to_text(written, &one);
	must(allowed_ip_from_text(&other, written, &why));
	must(!allowed_ip_compare(&one, &other));
}

static void check_endpoint(const char *text)
{
	char written[ENDPOINT_TEXT_SIZE];
	union endpoint one, other;
	const char *why = NULL;
	uint16_t port;
	char *host;

	if (!endpoint_split(text, &host, &port, &why)) {
		must(why);
		return;
	}
	must(*host && port);
	if (!endpoint_resolve(&one, host, port, &why)) {
		must(why);
		free(host);
		return;
	}
	free(host);
	endpoint_to_text(written, &one);
	must(endpoint_split(written, &host, &port, &why));
	must(endpoint_resolve(&other, host, port, &why));
	must(endpoint_equal(&one, &other));
	free(host);
}

static void check_key(const char *text)
{
	char written[KEY_TEXT_SIZE];
	uint8_t key[TOYVPN_KEY_LEN];
	const char *why = NULL;
	bool empty;
	FILE *file;

	if (key_from_text(key, text)) {
		key_to_text(written, key);
		must(!strcmp(written, text));
	}
	file = fuzz_fopen(FUZZ_FILE, "r");
	if (!key_read(key, file, &empty, &why)) {
		must(why && key_is_zero(key));
	} else if (empty) {
		must(!*text && key_is_zero(key));
	} else {
		key_to_text(written, key);
		must(!strncmp(written, text, strlen(written)));
	}
	fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);

	must(text);
	fuzz_file(data, size);
	check_allowed_ip(text);
	check_endpoint(text);
	check_key(text);
	free(text);
	return 0;
}

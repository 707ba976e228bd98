/* SPDX-License-Identifier: GPL-2.0 */
/* Keys and numbers as text. */
#ifndef ENCODING_H
#define ENCODING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/toyvpn.h>

/* Base64 of a key: 43 characters, one '=', and the final NUL. */
#define KEY_TEXT_LEN	44
#define KEY_TEXT_SIZE	(KEY_TEXT_LEN + 1)

struct place;

void key_to_text(char text[static KEY_TEXT_SIZE], const uint8_t key[static TOYVPN_KEY_LEN]);
void public_key_to_text(char text[static KEY_TEXT_SIZE], const uint8_t key[static TOYVPN_KEY_LEN]);
bool key_from_text(uint8_t key[static TOYVPN_KEY_LEN], const char *text);
bool key_read(uint8_t key[static TOYVPN_KEY_LEN], FILE *file, bool *empty, const char **why);
bool key_from_file(uint8_t key[static TOYVPN_KEY_LEN], const char *path, const struct place *at);
void key_generate(uint8_t key[static TOYVPN_KEY_LEN]);
bool key_to_public(uint8_t public[static TOYVPN_KEY_LEN],
		   const uint8_t private[static TOYVPN_KEY_LEN]);
bool key_is_zero(const uint8_t key[static TOYVPN_KEY_LEN]);

bool bytes_from_file(uint8_t *bytes, size_t *len, size_t max, const char *path,
		     const struct place *at);
bool number_from_text(const char *text, uint32_t max, uint32_t *number);
bool mark_from_text(const char *text, uint32_t *mark);

#endif

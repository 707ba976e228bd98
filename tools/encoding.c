// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "encoding.h"
#include "report.h"

static_assert(crypto_scalarmult_SCALARBYTES == TOYVPN_KEY_LEN, "X25519 private key");
static_assert(crypto_scalarmult_BYTES == TOYVPN_KEY_LEN, "X25519 public key");
static_assert(crypto_verify_32_BYTES == TOYVPN_KEY_LEN, "crypto_verify_32()");

/**
 * key_to_text() - write a key as base64
 * @text: where to
 * @key: the key
 *
 * In a time that does not depend on the key, which makes it slow; see public_key_to_text().
 */
void key_to_text(char text[static KEY_TEXT_SIZE], const uint8_t key[static TOYVPN_KEY_LEN])
{
	sodium_bin2base64(text, KEY_TEXT_SIZE, key, TOYVPN_KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}

/**
 * public_key_to_text() - write a key that is no secret as base64
 * @text: where to
 * @key: the key
 *
 * A fifth of what key_to_text() costs, for those who print many.
 */
void public_key_to_text(char text[static KEY_TEXT_SIZE], const uint8_t key[static TOYVPN_KEY_LEN])
{
	b64_ntop(key, TOYVPN_KEY_LEN, text, KEY_TEXT_SIZE);
}

/**
 * key_from_text() - read a key from base64
 * @key: where to
 * @text: just the key, nothing around it
 *
 * Return: whether it is a key.
 */
bool key_from_text(uint8_t key[static TOYVPN_KEY_LEN], const char *text)
{
	char same[KEY_TEXT_SIZE];
	bool good;
	size_t len;

	if (strlen(text) != KEY_TEXT_LEN ||
	    sodium_base642bin(key, TOYVPN_KEY_LEN, text, KEY_TEXT_LEN, NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) || len != TOYVPN_KEY_LEN)
		return false;
	/* libsodium takes some bytes past ASCII for a digit. */
	key_to_text(same, key);
	good = !sodium_memcmp(same, text, KEY_TEXT_LEN);
	sodium_memzero(same, sizeof(same));
	return good;
}

/**
 * key_read() - read a file that holds one key
 * @key: where to; zeros if the file is empty
 * @file: the file, read to its end
 * @empty: set to whether the file is empty
 * @why: on failure, what is wrong
 *
 * White space may follow the key.
 *
 * Return: whether the file holds a key or nothing.
 */
bool key_read(uint8_t key[static TOYVPN_KEY_LEN], FILE *file, bool *empty, const char **why)
{
	char text[KEY_TEXT_SIZE] = "";
	bool good = false;
	int c = EOF;
	size_t len;

	memset(key, 0, TOYVPN_KEY_LEN);
	/* Without a buffer there is none to wipe. */
	setvbuf(file, NULL, _IONBF, 0);
	len = fread(text, 1, KEY_TEXT_LEN, file);
	*empty = !len;
	if (!len && !ferror(file)) {
		good = true;
		goto out;
	}
	if (len == KEY_TEXT_LEN) {
		do {
			c = getc(file);
		} while (c != EOF && isspace(c));
	}
	if (ferror(file)) {
		*why = strerror(errno);
		goto out;
	}
	if (!key_from_text(key, text))
		*why = "does not hold a key (44 characters of base64)";
	else if (c != EOF)
		*why = "holds more than one key";
	else
		good = true;
out:
	if (!good)
		sodium_memzero(key, TOYVPN_KEY_LEN);
	sodium_memzero(text, sizeof(text));
	return good;
}

/**
 * key_from_file() - read a key that the user keeps in a file
 * @key: where to; zeros if the file is empty, which stands for no key
 * @path: the file
 * @at: the word that named it, for the error
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool key_from_file(uint8_t key[static TOYVPN_KEY_LEN], const char *path, const struct place *at)
{
	const char *why;
	bool empty, good;
	FILE *file;

	file = fopen(path, "re");
	if (!file && key_from_text(key, path))
		return fail_at(at, "wants the name of a file with the key, not the key itself");
	if (!file)
		return fail_at(at, "%s: %s", path, strerror(errno));
	good = key_read(key, file, &empty, &why);
	fclose(file);
	return good || fail_at(at, "%s: %s", path, why);
}

/**
 * bytes_from_file() - read all of a file, as it is
 * @bytes: where to
 * @len: set to how many they are
 * @max: how many there may be
 * @path: the file
 * @at: the word that named it, for the error
 *
 * Return: whether it worked; if not, the user has been told, and nothing is in @bytes.
 */
bool bytes_from_file(uint8_t *bytes, size_t *len, size_t max, const char *path,
		     const struct place *at)
{
	const char *why = NULL;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return fail_at(at, "%s: %s", path, strerror(errno));
	/* Without a buffer there is none to wipe. */
	setvbuf(file, NULL, _IONBF, 0);
	*len = fread(bytes, 1, max, file);
	if (!ferror(file) && *len == max && getc(file) != EOF)
		why = "too long";
	if (ferror(file))
		why = strerror(errno);
	fclose(file);
	if (!why)
		return true;
	sodium_memzero(bytes, max);
	*len = 0;
	return fail_at(at, "%s: %s (%zu bytes at the most)", path, why, max);
}

/**
 * key_generate() - make a new private key
 * @key: where to
 */
void key_generate(uint8_t key[static TOYVPN_KEY_LEN])
{
	randombytes_buf(key, TOYVPN_KEY_LEN);
	/*
	 * RFC 7748, section 5: X25519 itself forces these bits. A key that has them already looks
	 * the same wherever it is shown.
	 */
	key[0] &= 248;
	key[31] = (key[31] & 127) | 64;
}

/**
 * key_to_public() - calculate the public key that belongs to a private one
 * @public: where to
 * @private: the private key
 *
 * Return: whether there is one: there is none for a key of zeros, which stands for no key.
 */
bool key_to_public(uint8_t public[static TOYVPN_KEY_LEN],
		   const uint8_t private[static TOYVPN_KEY_LEN])
{
	return !key_is_zero(private) && !crypto_scalarmult_base(public, private);
}

/**
 * key_is_zero() - whether a key is all zeros, which stands for no key
 * @key: the key
 *
 * Return: whether it is.
 */
bool key_is_zero(const uint8_t key[static TOYVPN_KEY_LEN])
{
	static const uint8_t zeros[TOYVPN_KEY_LEN];

	/* In constant time as well, and sixteen bytes at once where sodium_is_zero() takes one. */
	return !crypto_verify_32(key, zeros);
}

/* @digits: where they begin, in @text. Not a sign or a blank, which strtoull() would take. */
static bool read_number(const char *text, const char *digits, int base, uint32_t max,
			uint32_t *number)
{
	unsigned long long value;
	char *end;

	if (base == 16 ? !isxdigit((unsigned char)*digits) : !isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (*end || errno || value > max)
		return false;
	*number = value;
	return true;
}

/**
 * number_from_text() - read a whole number
 * @text: decimal digits, nothing around them
 * @max: the largest that is allowed
 * @number: where to
 *
 * Return: whether it is one.
 */
bool number_from_text(const char *text, uint32_t max, uint32_t *number)
{
	return read_number(text, text, 10, max, number);
}

/**
 * mark_from_text() - read a mark of packets
 * @text: decimal digits, or 0x and hexadecimal digits, nothing around them
 * @mark: where to
 *
 * Return: whether it is one.
 */
bool mark_from_text(const char *text, uint32_t *mark)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

	return read_number(text, hex ? text + 2 : text, hex ? 16 : 10, UINT32_MAX, mark);
}

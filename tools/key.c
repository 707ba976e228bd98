// SPDX-License-Identifier: GPL-2.0
/* genkey, genpsk, pubkey: keys on stdin and stdout. */
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "commands.h"
#include "encoding.h"
#include "help.h"
#include "report.h"

static void print_line(const uint8_t key[static TOYVPN_KEY_LEN])
{
	char text[KEY_TEXT_SIZE];

	key_to_text(text, key);
	puts(text);
	sodium_memzero(text, sizeof(text));
}

static bool print_secret(void (*generate)(uint8_t key[static TOYVPN_KEY_LEN]))
{
	uint8_t key[TOYVPN_KEY_LEN];
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && st.st_mode & 0007)
		warn("other users can open the file that this secret goes to: use umask 077");
	generate(key);
	print_line(key);
	sodium_memzero(key, sizeof(key));
	return true;
}

static void generate_preshared(uint8_t key[static TOYVPN_KEY_LEN])
{
	randombytes_buf(key, TOYVPN_KEY_LEN);
}

/**
 * cmd_genkey() - toyvpnctl genkey: print a new private key
 * @argc: number of words
 * @argv: "genkey"
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_genkey(int argc, char *argv[])
{
	return argc == 1 ? print_secret(key_generate) : usage(argv[0]);
}

/**
 * cmd_genpsk() - toyvpnctl genpsk: print a new preshared key
 * @argc: number of words
 * @argv: "genpsk"
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_genpsk(int argc, char *argv[])
{
	return argc == 1 ? print_secret(generate_preshared) : usage(argv[0]);
}

/**
 * cmd_pubkey() - toyvpnctl pubkey: print the public key of the private key on stdin
 * @argc: number of words
 * @argv: "pubkey"
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool cmd_pubkey(int argc, char *argv[])
{
	uint8_t private[TOYVPN_KEY_LEN], public[TOYVPN_KEY_LEN];
	const char *why;
	bool empty, good;

	if (argc != 1)
		return usage(argv[0]);
	good = key_read(private, stdin, &empty, &why);
	if (good && empty) {
		why = "empty: a private key is wanted";
		good = false;
	} else if (good && !key_to_public(public, private)) {
		why = "zeros are no key";
		good = false;
	}
	sodium_memzero(private, sizeof(private));
	if (!good)
		return fail("standard input: %s", why);
	print_line(public);
	return true;
}

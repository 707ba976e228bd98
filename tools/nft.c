// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "nft.h"
#include "report.h"

/**
 * nft_table_name() - the name of a link's table
 * @table: where to
 * @prefix: what the names of all such tables begin with, 15 characters at most
 * @ifname: the link's name, which has more characters to choose from than a table's
 */
void nft_table_name(char table[static NFT_TABLE_SIZE], const char *prefix, const char *ifname)
{
	size_t len = (size_t)snprintf(table, NFT_TABLE_SIZE, "%s", prefix);

	for (; *ifname && len + 4 <= NFT_TABLE_SIZE; ifname++)
		len += (size_t)snprintf(table + len, NFT_TABLE_SIZE - len,
					isalnum((unsigned char)*ifname) ? "%c" : "_%02x",
					(unsigned char)*ifname);
}

/**
 * nft_can_quote() - whether a rule can name a link: in quotes, and not as a pattern
 * @ifname: the link's name
 *
 * Return: whether it can.
 */
bool nft_can_quote(const char *ifname)
{
	return *ifname && strlen(ifname) < IF_NAMESIZE && !strpbrk(ifname, "\"*\\\n");
}

/**
 * nft_remove_table() - remove a table of inet, whether it is there or not
 * @table: its name
 *
 * Return: whether it is not there now; if not, the user has been told.
 */
bool nft_remove_table(const char *table)
{
	char commands[2 * NFT_TABLE_SIZE + 64];

	snprintf(commands, sizeof(commands), "add table inet %s\ndelete table inet %s\n", table,
		 table);
	return nft_run(commands);
}

/**
 * nft_run() - have the kernel take commands, all of them or none
 * @commands: in nft's language
 *
 * Return: whether it took them; if not, the user has been told.
 */
bool nft_run(const char *commands)
{
	char *output = nft_ask(commands);

	free(output);
	return output;
}

/**
 * nft_ask() - as nft_run(), for commands that print something
 * @commands: in nft's language
 *
 * Return: what they print, the caller's to free, or NULL: the user has been told.
 */
char *nft_ask(const char *commands)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	char *output = NULL;
	const char *text;

	if (!nft) {
		fail("nftables: out of memory");
		return NULL;
	}
	nft_ctx_buffer_output(nft);
	nft_ctx_buffer_error(nft);
	if (nft_run_cmd_from_buffer(nft, commands)) {
		/* The lines that follow show the command. */
		text = nft_ctx_get_error_buffer(nft);
		fail("nftables: %.*s", (int)strcspn(text, "\n"), text);
	} else {
		text = nft_ctx_get_output_buffer(nft);
		output = xstrndup(text ? text : "", text ? strlen(text) : 0);
	}
	nft_ctx_free(nft);
	return output;
}

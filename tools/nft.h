/* SPDX-License-Identifier: GPL-2.0 */
/* Rules of nftables, through libnftables. */
#ifndef NFT_H
#define NFT_H

#include <net/if.h>
#include <stdbool.h>

/* A word of ours and a link's name, each character of which may become three */
#define NFT_TABLE_SIZE	(16 + 3 * IF_NAMESIZE)

void nft_table_name(char table[static NFT_TABLE_SIZE], const char *prefix, const char *ifname);
bool nft_can_quote(const char *ifname);
bool nft_remove_table(const char *table);
bool nft_run(const char *commands);
char *nft_ask(const char *commands);

#endif

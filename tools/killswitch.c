// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "killswitch.h"
#include "nft.h"
#include "report.h"

#define PREFIX	"toyvpn_kill_"

/*
 * What nftables lets through, of both families: what stays on this host, what goes into the tunnel,
 * what carries the tunnel, and what keeps this host on its network: DHCP, and of ICMPv6 the groups
 * that it listens to (MLD), the search for routers and for neighbours. ARP is none of inet's.
 */
static const char rules[] =
	"add table inet %s\n"
	"delete table inet %s\n"
	"table inet %s {\n"
	"	chain allowed {\n"
	"		oifname { \"lo\", \"%s\" } accept\n"
	"		%s\n"
	"	}\n"
	"	chain output {\n"
	"		type filter hook output priority 0; policy drop;\n"
	"		meta mark %u meta l4proto udp accept\n"
	"		udp sport 68 udp dport 67 accept\n"
	"		udp sport 546 udp dport 547 accept\n"
	"		icmpv6 type { 131, 132, 133, 135, 136, 143 } ip6 hoplimit { 1, 255 } accept\n"
	"		jump allowed\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority 0; policy drop;\n"
	"		iifname \"%s\" accept\n"
	"		jump allowed\n"
	"	}\n"
	"}\n";

static const char local_rules[] =
	"ip daddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16 } accept\n"
	"		ip daddr { 224.0.0.0/24, 255.255.255.255 } accept\n"
	"		ip6 daddr { fe80::/10, fc00::/7, ff02::/16 } accept";

/**
 * killswitch_set() - from now on let nothing out but through a tunnel, whatever becomes of it
 * @ifname: the tunnel's link, which need not be there
 * @mark: mark of the packets that carry it
 * @local: let out what stays on a local network, by its private addresses
 *
 * What was set for the same link is replaced, with no moment between.
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool killswitch_set(const char *ifname, uint32_t mark, bool local)
{
	char table[NFT_TABLE_SIZE], *commands;
	bool good;

	if (!nft_can_quote(ifname))
		return fail("kill switch: rules cannot name the link %s", ifname);
	nft_table_name(table, PREFIX, ifname);
	if (asprintf(&commands, rules, table, table, table, ifname, local ? local_rules : "", mark,
		     ifname) < 0)
		return fail("out of memory");
	good = nft_run(commands);
	free(commands);
	return good;
}

/**
 * killswitch_unset() - end that
 * @ifname: the tunnel's link
 *
 * Return: whether it is not there now; if not, the user has been told.
 */
bool killswitch_unset(const char *ifname)
{
	char table[NFT_TABLE_SIZE];

	nft_table_name(table, PREFIX, ifname);
	return nft_remove_table(table);
}

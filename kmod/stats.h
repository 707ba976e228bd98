/* SPDX-License-Identifier: GPL-2.0 */
/* Counters with names: why packets were dropped, what handshakes did */
#ifndef TOYVPN_STATS_H
#define TOYVPN_STATS_H

#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/types.h>

/* The names that ethtool -S shows are in stats.c, in the same order */
enum toyvpn_stat {
	/* Packets on their way out */
	TOYVPN_STAT_TX_NO_ROUTE,
	TOYVPN_STAT_TX_NO_ENDPOINT,
	TOYVPN_STAT_TX_NOT_IP,
	TOYVPN_STAT_TX_TOO_BIG,
	TOYVPN_STAT_TX_QUEUE_FULL,
	TOYVPN_STAT_TX_NO_SESSION,
	TOYVPN_STAT_TX_NO_MEMORY,
	TOYVPN_STAT_TX_CRYPTO,
	TOYVPN_STAT_TX_OUTER_ROUTE,
	TOYVPN_STAT_TX_LOOP,
	TOYVPN_STAT_TX_SPREAD,
	/* Datagrams that came in */
	TOYVPN_STAT_RX_MALFORMED,
	TOYVPN_STAT_RX_UNKNOWN_INDEX,
	TOYVPN_STAT_RX_EXPIRED,
	TOYVPN_STAT_RX_REPLAY,
	TOYVPN_STAT_RX_AUTHENTICATION,
	TOYVPN_STAT_RX_NO_MEMORY,
	TOYVPN_STAT_RX_NOT_IP,
	TOYVPN_STAT_RX_SOURCE,
	TOYVPN_STAT_RX_ECN,
	TOYVPN_STAT_RX_STACK,
	TOYVPN_STAT_RX_SPREAD,
	/* Handshakes */
	TOYVPN_STAT_HS_MAC1,
	TOYVPN_STAT_HS_COOKIE_SENT,
	TOYVPN_STAT_HS_COOKIE_RECEIVED,
	TOYVPN_STAT_HS_RATE_LIMIT,
	TOYVPN_STAT_HS_QUEUE_FULL,
	TOYVPN_STAT_HS_UNKNOWN_PEER,
	TOYVPN_STAT_HS_AUTHENTICATION,
	TOYVPN_STAT_HS_BAD_PAYLOAD,
	TOYVPN_STAT_HS_REPLAY,
	TOYVPN_STAT_HS_TOO_OFTEN,
	TOYVPN_STAT_HS_REJECT_SENT,
	TOYVPN_STAT_HS_REJECT_RECEIVED,
	TOYVPN_STAT_HS_COMPLETED,
	TOYVPN_STAT_HS_NO_MEMORY,
	TOYVPN_STAT_HS_REQUESTS,
	TOYVPN_STAT_HS_REQUESTS_FULL,

	TOYVPN_STATS
};

struct toyvpn_stats {
	unsigned long count[TOYVPN_STATS];
};

/**
 * toyvpn_stat_add() - counts
 * @stats: the device's
 * @which: what to count
 * @n: how many
 *
 * Any context.
 */
static inline void toyvpn_stat_add(struct toyvpn_stats __percpu *stats,
				   enum toyvpn_stat which, unsigned long n)
{
	this_cpu_add(stats->count[which], n);
}

enum skb_drop_reason toyvpn_stat_drop_reason(enum toyvpn_stat which);
void toyvpn_stats_names(u8 *strings);
void toyvpn_stats_sum(const struct toyvpn_stats __percpu *stats, u64 *sums);

#endif /* TOYVPN_STATS_H */

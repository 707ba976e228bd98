// SPDX-License-Identifier: GPL-2.0
#include <linux/cpumask.h>
#include <linux/ethtool.h>
#include <linux/string.h>

#include "stats.h"

static const char stat_names[TOYVPN_STATS][ETH_GSTRING_LEN] = {
	[TOYVPN_STAT_TX_NO_ROUTE]		= "tx_drop_no_peer_for_address",
	[TOYVPN_STAT_TX_NO_ENDPOINT]		= "tx_drop_no_endpoint",
	[TOYVPN_STAT_TX_NOT_IP]			= "tx_drop_not_ip",
	[TOYVPN_STAT_TX_TOO_BIG]		= "tx_drop_too_big",
	[TOYVPN_STAT_TX_QUEUE_FULL]		= "tx_drop_queue_full",
	[TOYVPN_STAT_TX_NO_SESSION]		= "tx_drop_no_session",
	[TOYVPN_STAT_TX_NO_MEMORY]		= "tx_drop_no_memory",
	[TOYVPN_STAT_TX_CRYPTO]			= "tx_drop_crypto_error",
	[TOYVPN_STAT_TX_OUTER_ROUTE]		= "tx_drop_no_outer_route",
	[TOYVPN_STAT_TX_LOOP]			= "tx_drop_route_loop",
	[TOYVPN_STAT_TX_SPREAD]			= "tx_batches_spread",
	[TOYVPN_STAT_RX_MALFORMED]		= "rx_drop_malformed",
	[TOYVPN_STAT_RX_UNKNOWN_INDEX]		= "rx_drop_unknown_session",
	[TOYVPN_STAT_RX_EXPIRED]		= "rx_drop_session_expired",
	[TOYVPN_STAT_RX_REPLAY]			= "rx_drop_replay",
	[TOYVPN_STAT_RX_AUTHENTICATION]		= "rx_drop_authentication",
	[TOYVPN_STAT_RX_NO_MEMORY]		= "rx_drop_no_memory",
	[TOYVPN_STAT_RX_NOT_IP]			= "rx_drop_not_ip",
	[TOYVPN_STAT_RX_SOURCE]			= "rx_drop_source_not_allowed",
	[TOYVPN_STAT_RX_ECN]			= "rx_drop_ecn",
	[TOYVPN_STAT_RX_STACK]			= "rx_drop_stack_busy",
	[TOYVPN_STAT_RX_SPREAD]			= "rx_batches_spread",
	[TOYVPN_STAT_HS_MAC1]			= "handshake_drop_mac1",
	[TOYVPN_STAT_HS_COOKIE_SENT]		= "handshake_cookies_sent",
	[TOYVPN_STAT_HS_COOKIE_RECEIVED]	= "handshake_cookies_received",
	[TOYVPN_STAT_HS_RATE_LIMIT]		= "handshake_drop_rate_limit",
	[TOYVPN_STAT_HS_QUEUE_FULL]		= "handshake_drop_queue_full",
	[TOYVPN_STAT_HS_UNKNOWN_PEER]		= "handshake_drop_unknown_peer",
	[TOYVPN_STAT_HS_AUTHENTICATION]		= "handshake_drop_authentication",
	[TOYVPN_STAT_HS_BAD_PAYLOAD]		= "handshake_drop_bad_payload",
	[TOYVPN_STAT_HS_REPLAY]			= "handshake_drop_replay",
	[TOYVPN_STAT_HS_TOO_OFTEN]		= "handshake_drop_too_often",
	[TOYVPN_STAT_HS_REJECT_SENT]		= "handshake_rejects_sent",
	[TOYVPN_STAT_HS_REJECT_RECEIVED]	= "handshake_rejects_received",
	[TOYVPN_STAT_HS_COMPLETED]		= "handshakes_completed",
	[TOYVPN_STAT_HS_NO_MEMORY]		= "handshake_drop_no_memory",
	[TOYVPN_STAT_HS_REQUESTS]		= "handshake_requests",
	[TOYVPN_STAT_HS_REQUESTS_FULL]		= "handshake_drop_requests_full",
};

/**
 * toyvpn_stat_drop_reason() - what the kernel's own tracing calls a drop
 * @which: its counter
 *
 * Return: the nearest reason that all our kernels have, for kfree_skb_reason().
 */
enum skb_drop_reason toyvpn_stat_drop_reason(enum toyvpn_stat which)
{
	switch (which) {
	case TOYVPN_STAT_TX_NO_ROUTE:
	case TOYVPN_STAT_TX_NO_ENDPOINT:
	case TOYVPN_STAT_TX_OUTER_ROUTE:
	case TOYVPN_STAT_TX_LOOP:
		return SKB_DROP_REASON_IP_OUTNOROUTES;
	case TOYVPN_STAT_TX_TOO_BIG:
		return SKB_DROP_REASON_PKT_TOO_BIG;
	case TOYVPN_STAT_TX_QUEUE_FULL:
	case TOYVPN_STAT_HS_QUEUE_FULL:
	case TOYVPN_STAT_HS_REQUESTS_FULL:
		return SKB_DROP_REASON_FULL_RING;
	case TOYVPN_STAT_TX_NO_MEMORY:
	case TOYVPN_STAT_RX_NO_MEMORY:
	case TOYVPN_STAT_HS_NO_MEMORY:
		return SKB_DROP_REASON_NOMEM;
	case TOYVPN_STAT_TX_NOT_IP:
	case TOYVPN_STAT_RX_NOT_IP:
		return SKB_DROP_REASON_UNHANDLED_PROTO;
	default:
		return SKB_DROP_REASON_NOT_SPECIFIED;
	}
}

/**
 * toyvpn_stats_names() - the names of the counters
 * @strings: room for TOYVPN_STATS strings of ETH_GSTRING_LEN bytes
 */
void toyvpn_stats_names(u8 *strings)
{
	memcpy(strings, stat_names, sizeof(stat_names));
}

/**
 * toyvpn_stats_sum() - the counters over all CPUs
 * @stats: the device's
 * @sums: room for TOYVPN_STATS numbers
 */
void toyvpn_stats_sum(const struct toyvpn_stats __percpu *stats, u64 *sums)
{
	unsigned int i;
	int cpu;

	memset(sums, 0, TOYVPN_STATS * sizeof(*sums));
	for_each_possible_cpu(cpu) {
		const struct toyvpn_stats *s = per_cpu_ptr(stats, cpu);

		for (i = 0; i < TOYVPN_STATS; i++)
			sums[i] += READ_ONCE(s->count[i]);
	}
}

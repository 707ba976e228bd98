// SPDX-License-Identifier: GPL-2.0
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/tcp.h>

#include "compat.h"
#include "merge.h"
#include "share.h"

/*
 * The segments of a train are mostly those of one packet, in order: to see that
 * takes a look at what differs. GRO, which finds any flow among any packets,
 * takes several times as long for each; it gets the result.
 */

/* With one of these in the first segment, or in another but PSH, it stays alone */
#define FLAGS_ALONE	(TCP_FLAG_CWR | TCP_FLAG_URG | TCP_FLAG_PSH | TCP_FLAG_RST | \
			 TCP_FLAG_SYN | TCP_FLAG_FIN)

static bool is_ip4(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP);
}

/* TCP that follows an IP header without options, not a fragment */
static const struct tcphdr *tcp_header(const struct sk_buff *skb, unsigned int *ip)
{
	const struct iphdr *ip4 = (const struct iphdr *)skb->data;
	const struct ipv6hdr *ip6 = (const struct ipv6hdr *)skb->data;
	bool is_tcp;

	if (is_ip4(skb)) {
		*ip = sizeof(*ip4);
		is_tcp = ip4->ihl == 5 && ip4->protocol == IPPROTO_TCP &&
			 !(ip4->frag_off & htons(IP_MF | IP_OFFSET)) &&
			 (TOYVPN_GRO_KEEPS_IDS || !(ip4->frag_off & htons(IP_DF)));
	} else {
		*ip = sizeof(*ip6);
		is_tcp = ip6->nexthdr == IPPROTO_TCP;
	}
	if (!is_tcp || skb_headlen(skb) < *ip + sizeof(struct tcphdr))
		return NULL;
	return (const struct tcphdr *)(skb->data + *ip);
}

/**
 * toyvpn_merge_begin() - a packet that others may follow
 * @merge: empty
 * @skb: skb->data is the IP header, skb->len what it says; protocol is set; its
 *	checksums need no look. Taken on success
 *
 * Bottom halves off.
 *
 * Return: false if nothing can follow it.
 */
bool toyvpn_merge_begin(struct toyvpn_merge *merge, struct sk_buff *skb)
{
	const struct tcphdr *tcp;
	unsigned int ip;

	tcp = tcp_header(skb, &ip);
	if (!tcp || tcp->doff < 5 || skb->len <= ip + tcp->doff * 4 ||
	    skb_headlen(skb) < ip + tcp->doff * 4 ||
	    (tcp_flag_word(tcp) & FLAGS_ALONE))
		return false;
	*merge = (struct toyvpn_merge) {
		.skb = skb,
		.ip = ip,
		.header = ip + tcp->doff * 4,
		.size = skb->len - ip - tcp->doff * 4,
		.count = 1,
	};
	merge->next = ntohl(tcp->seq) + merge->size;
	return true;
}

/* All but checksum and identification, and the length as it should be */
static bool is_same_ip4(const struct toyvpn_merge *merge, const u8 *packet, unsigned int len)
{
	const struct iphdr *a = (const struct iphdr *)merge->skb->data;
	const struct iphdr *b = (const struct iphdr *)packet;

	return *(const u16 *)a == *(const u16 *)b && a->frag_off == b->frag_off &&
	       a->ttl == b->ttl && a->protocol == b->protocol &&
	       a->saddr == b->saddr && a->daddr == b->daddr &&
	       ntohs(b->tot_len) == len &&
	       ntohs(b->id) == (u16)(ntohs(a->id) + merge->count);
}

static bool is_same_ip6(const struct toyvpn_merge *merge, const u8 *packet, unsigned int len)
{
	const struct ipv6hdr *a = (const struct ipv6hdr *)merge->skb->data;
	const struct ipv6hdr *b = (const struct ipv6hdr *)packet;

	return *(const u32 *)a == *(const u32 *)b && a->nexthdr == b->nexthdr &&
	       a->hop_limit == b->hop_limit && ipv6_addr_equal(&a->saddr, &b->saddr) &&
	       ipv6_addr_equal(&a->daddr, &b->daddr) &&
	       ntohs(b->payload_len) + sizeof(*b) == len;
}

/* Whether a segment is the next one, but for data and PSH as the one before */
static bool follows(const struct toyvpn_merge *merge, const u8 *packet, unsigned int len)
{
	const struct tcphdr *a = (const struct tcphdr *)(merge->skb->data + merge->ip);
	const struct tcphdr *b = (const struct tcphdr *)(packet + merge->ip);

	return !merge->complete && skb_shinfo(merge->skb)->nr_frags < MAX_SKB_FRAGS &&
	       len > merge->header && len - merge->header <= merge->size &&
	       merge->skb->len + merge->size <= U16_MAX &&
	       (is_ip4(merge->skb) ? is_same_ip4(merge, packet, len) :
				     is_same_ip6(merge, packet, len)) &&
	       *(const u32 *)a == *(const u32 *)b && ntohl(b->seq) == merge->next &&
	       a->ack_seq == b->ack_seq &&
	       !((tcp_flag_word(a) ^ tcp_flag_word(b)) & ~TCP_FLAG_PSH) &&
	       !memcmp(a + 1, b + 1, merge->header - merge->ip - sizeof(*a));
}

/* The data of a segment has been added, whose header says @psh */
static void followed(struct toyvpn_merge *merge, bool psh, unsigned int len)
{
	if (psh)
		((struct tcphdr *)(merge->skb->data + merge->ip))->psh = 1;
	merge->complete = psh || len < merge->size;
	merge->count++;
	merge->next += len;
}

/**
 * toyvpn_merge_follow_shared() - adds a packet in a page if it is the next segment
 * @merge: not empty
 * @packet: as toyvpn_merge_follow() has it; as toyvpn_share_add() has its data,
 *	which is shared on success
 * @len: its bytes
 * @truesize: likewise
 *
 * Bottom halves off.
 *
 * Return: false if it is not.
 */
bool toyvpn_merge_follow_shared(struct toyvpn_merge *merge, u8 *packet, unsigned int len,
				unsigned int truesize)
{
	const struct tcphdr *tcp = (const struct tcphdr *)(packet + merge->ip);

	if (!follows(merge, packet, len))
		return false;
	toyvpn_share_add(merge->skb, packet + merge->header, len - merge->header, truesize);
	followed(merge, tcp->psh, len - merge->header);
	return true;
}

/**
 * toyvpn_merge_follow() - adds a packet if it is the next segment
 * @merge: not empty
 * @skb: what came from where the one before did; nothing of it is checked yet.
 *	Its data is taken, and the rest freed, on success
 *
 * RFC 9293 for TCP; the rules are those of the kernel's GRO: what is put
 * together can be cut again into just what it was. Bottom halves off.
 *
 * Return: false if it is not.
 */
bool toyvpn_merge_follow(struct toyvpn_merge *merge, struct sk_buff *skb)
{
	const struct tcphdr *tcp;
	unsigned int len;
	bool psh, stolen;
	int delta;

	if (skb_is_nonlinear(skb) || !follows(merge, skb->data, skb->len))
		return false;
	tcp = (const struct tcphdr *)(skb->data + merge->ip);
	psh = tcp->psh;
	len = skb->len - merge->header;
	__skb_pull(skb, merge->header);
	if (!skb_try_coalesce(merge->skb, skb, &stolen, &delta)) {
		__skb_push(skb, merge->header);
		return false;
	}
	kfree_skb_partial(skb, stolen);
	followed(merge, psh, len);
	return true;
}

/**
 * toyvpn_merge_end() - takes out what was put together
 * @merge: empty afterwards
 *
 * Of several segments it is a GSO packet, with checksums that its last device
 * completes. Bottom halves off.
 *
 * Return: the packet, which is the caller's, or NULL if there is none.
 */
struct sk_buff *toyvpn_merge_end(struct toyvpn_merge *merge)
{
	struct sk_buff *skb = merge->skb;
	unsigned int len;
	struct tcphdr *tcp;

	merge->skb = NULL;
	if (!skb || merge->count == 1)
		return skb;
	tcp = (struct tcphdr *)(skb->data + merge->ip);
	len = skb->len - merge->ip;
	if (is_ip4(skb)) {
		struct iphdr *ip4 = (struct iphdr *)skb->data;

		ip4->tot_len = htons(skb->len);
		ip_send_check(ip4);
		tcp->check = ~tcp_v4_check(len, ip4->saddr, ip4->daddr, 0);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV4;
	} else {
		struct ipv6hdr *ip6 = (struct ipv6hdr *)skb->data;

		ip6->payload_len = htons(len);
		tcp->check = ~tcp_v6_check(len, &ip6->saddr, &ip6->daddr, 0);
		skb_shinfo(skb)->gso_type = SKB_GSO_TCPV6;
	}
	skb_shinfo(skb)->gso_size = merge->size;
	skb_shinfo(skb)->gso_segs = merge->count;
	skb_set_transport_header(skb, merge->ip);
	skb_partial_csum_set(skb, merge->ip, offsetof(struct tcphdr, check));
	return skb;
}

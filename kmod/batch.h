/* SPDX-License-Identifier: GPL-2.0 */
/* Packets of one session that are encrypted or decrypted together */
#ifndef TOYVPN_BATCH_H
#define TOYVPN_BATCH_H

#include <linux/atomic.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <linux/workqueue.h>

#include "spread.h"

/* Room before a message for the outer headers */
#define TOYVPN_HEADROOM	\
	ALIGN(LL_MAX_HEADER + sizeof(struct ipv6hdr) + sizeof(struct udphdr), 16)

struct toyvpn_crypt;
struct toyvpn_data;
struct toyvpn_inbox;
struct toyvpn_job;
struct toyvpn_peer;
struct toyvpn_session;

/**
 * struct toyvpn_batch - a list of packets on its way through the AEAD
 * @peer: whose; a reference
 * @session: which; a reference
 * @packets: results, in order; each has a struct toyvpn_packet
 * @done: called once, when all are through; owns the batch from then on
 * @pending: requests under way, and one for who is still adding
 * @spare: a request that can be used again
 * @now: when it began, ns of boot time; this and all that follows is for who made it
 * @inbox: where they arrived
 * @job: whose part it is, or NULL
 * @of_job: in the list of that
 * @late: the inbox waits for it
 * @count: packets that were encrypted, keepalives aside
 * @bytes: of these
 * @nesting: in how many tunnels of ours the packets are already
 * @in_turn: it has a place in a lane
 * @turn: that
 * @load: whose it is, if another CPU does it
 * @work: of that
 * @plain: what is to be encrypted
 * @counter: of the first message
 * @messages: how many there will be
 */
struct toyvpn_batch {
	struct toyvpn_peer *peer;
	struct toyvpn_session *session;
	struct sk_buff_head packets;
	void (*done)(struct toyvpn_batch *batch);
	atomic_t pending;
	struct toyvpn_crypt *spare;
	u64 now;
	struct toyvpn_inbox *inbox;
	struct toyvpn_job *job;
	struct list_head of_job;
	bool late;
	unsigned int count;
	unsigned int bytes;
	unsigned int nesting;
	bool in_turn;
	struct toyvpn_turn turn;
	struct toyvpn_load *load;
	struct work_struct work;
	struct sk_buff_head plain;
	u64 counter;
	unsigned int messages;
};

/**
 * struct toyvpn_packet - what a batch knows of a packet: skb->cb
 * @counter: of the message
 * @source: what it was made from, if that is another skb; on the way in it is
 *	freed with the batch
 * @opened: its messages, if it is a train that is decrypted where it is
 * @err: of the AEAD
 * @header: bytes of the headers of a GSO packet that becomes messages; 0: it
 *	becomes one
 * @tos: DS field of the outer header
 */
struct toyvpn_packet {
	u64 counter;
	struct sk_buff *source;
	struct toyvpn_opened *opened;
	int err;
	unsigned int header;
	u8 tos;
};

/**
 * struct toyvpn_opened_message - a message that is decrypted where it is
 * @counter: of the message
 * @data: the message
 * @len: of it all, at least TOYVPN_DATA_MIN
 * @err: of the AEAD
 */
struct toyvpn_opened_message {
	u64 counter;
	struct toyvpn_data *data;
	unsigned int len;
	int err;
};

/**
 * struct toyvpn_opened - the messages of a train that are
 * @room: for so many
 * @count: so many there are
 * @messages: in order
 */
struct toyvpn_opened {
	unsigned int room;
	unsigned int count;
	struct toyvpn_opened_message messages[];
};

static inline struct toyvpn_packet *toyvpn_packet(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct toyvpn_packet) > sizeof(skb->cb));
	return (struct toyvpn_packet *)skb->cb;
}

/**
 * toyvpn_batch_is_late() - whether the AEAD completes some of a batch later
 * @batch: not closed yet
 *
 * Return: whether toyvpn_batch_close() may leave it on its way.
 */
static inline bool toyvpn_batch_is_late(const struct toyvpn_batch *batch)
{
	return atomic_read(&batch->pending) > 1;
}

struct toyvpn_batch *toyvpn_batch_new(struct toyvpn_peer *peer, struct toyvpn_session *session,
				      void (*done)(struct toyvpn_batch *batch));
void toyvpn_batch_own(struct sk_buff *to, struct sk_buff *from, bool last);
bool toyvpn_batch_encrypt(struct toyvpn_batch *batch, struct sk_buff *skb,
			  struct toyvpn_data *data, unsigned int len, u64 counter);
bool toyvpn_batch_decrypt(struct toyvpn_batch *batch, struct napi_struct *napi,
			  struct sk_buff *skb, const void *message, unsigned int offset,
			  unsigned int len, u64 counter);
struct toyvpn_opened *toyvpn_batch_share(struct toyvpn_batch *batch, struct sk_buff *skb);
bool toyvpn_batch_decrypt_shared(struct toyvpn_batch *batch, struct toyvpn_opened *opened,
				 struct toyvpn_data *data, unsigned int len, u64 counter);
void toyvpn_batch_close(struct toyvpn_batch *batch);
void toyvpn_batch_free(struct toyvpn_batch *batch);
void toyvpn_batch_exit(void);

#endif /* TOYVPN_BATCH_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Strangers whose INIT waits for an answer: a bounded table. Knows no packets, no devices */
#ifndef TOYVPN_REQUESTS_H
#define TOYVPN_REQUESTS_H

#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/siphash.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <uapi/linux/toyvpn.h>

#include "noise.h"
#include "peer.h"
#include "tlv.h"

#define TOYVPN_REQUESTS_MAX	1024
/* Longer than the longest distance between two INITs, so that who goes on asking stays */
#define TOYVPN_REQUEST_TIME	(10ULL * NSEC_PER_SEC)
/* Of who goes on asking user space is told again, should it have lost sight of it */
#define TOYVPN_REQUEST_TELL	(4ULL * NSEC_PER_SEC)

/**
 * struct toyvpn_request - an INIT of a static key that is no peer's
 * @by_age: in the table, the one that expires next first
 * @by_key: in the table
 * @id: its name for user space, which stands for @public_key and @credentials
 * @expires: ns of boot time
 * @told: when user space was told of it, likewise; who tells writes it
 * @public_key: who asks
 * @noise: state after the INIT
 * @timestamp: of the INIT
 * @endpoint: where it came from
 * @receiver: the stranger's index for the session
 * @mode: what it carries
 * @ciphers: those of its ciphers that we know
 * @cipher_count: how many
 * @size: UDP payload of the INIT
 * @credentials_len: bytes of @credentials, 0 for none
 * @credentials: for user space
 */
struct toyvpn_request {
	struct list_head by_age;
	struct hlist_node by_key;
	u32 id;
	u64 expires;
	u64 told;
	u8 public_key[TOYVPN_NOISE_KEY_LEN];
	struct toyvpn_noise noise;
	u8 timestamp[TOYVPN_TLV_TIMESTAMP_LEN];
	struct toyvpn_endpoint endpoint;
	__le32 receiver;
	u8 mode;
	u8 ciphers[TOYVPN_CIPHERS_MAX];
	u8 cipher_count;
	u16 size;
	u16 credentials_len;
	u8 credentials[];
};

/**
 * struct toyvpn_requests - the table; the caller serialises what uses it
 * @count: how many there are; may be read without that
 * @ids: by id
 * @next: where the next id is looked for
 * @by_age: the one that expires next first
 * @by_key: by public key
 * @key: of the hash
 */
struct toyvpn_requests {
	unsigned int count;
	struct xarray ids;
	u32 next;
	struct list_head by_age;
	DECLARE_HASHTABLE(by_key, 8);
	siphash_key_t key;
};

struct toyvpn_request *toyvpn_request_new(const u8 public_key[TOYVPN_NOISE_KEY_LEN],
					  const u8 *credentials, size_t credentials_len);
void toyvpn_request_free(struct toyvpn_request *request);

void toyvpn_requests_init(struct toyvpn_requests *requests);
void toyvpn_requests_destroy(struct toyvpn_requests *requests);
int toyvpn_requests_add(struct toyvpn_requests *requests, struct toyvpn_request *request,
			u64 now);
int toyvpn_requests_give_back(struct toyvpn_requests *requests, struct toyvpn_request *request);
struct toyvpn_request *toyvpn_requests_find(struct toyvpn_requests *requests, u32 id, u64 now);
void toyvpn_requests_take(struct toyvpn_requests *requests, struct toyvpn_request *request);
void toyvpn_requests_drop(struct toyvpn_requests *requests);
u64 toyvpn_requests_expire(struct toyvpn_requests *requests, u64 now);

#endif /* TOYVPN_REQUESTS_H */

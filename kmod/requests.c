// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "requests.h"

/* An id is never 0, and comes again after four thousand million others */
#define IDS	XA_LIMIT(1, U32_MAX)

/**
 * toyvpn_request_new() - makes a request
 * @public_key: who asks
 * @credentials: what for, copied
 * @credentials_len: their bytes, at most TOYVPN_CREDENTIALS_MAX
 *
 * Process context.
 *
 * Return: the request, whose other fields the caller fills and which
 * toyvpn_request_free() ends; or NULL without memory.
 */
struct toyvpn_request *toyvpn_request_new(const u8 public_key[TOYVPN_NOISE_KEY_LEN],
					  const u8 *credentials, size_t credentials_len)
{
	struct toyvpn_request *request;

	request = kzalloc(struct_size(request, credentials, credentials_len),
			  GFP_KERNEL_ACCOUNT);
	if (!request)
		return NULL;
	memcpy(request->public_key, public_key, sizeof(request->public_key));
	request->credentials_len = credentials_len;
	if (credentials_len)
		memcpy(request->credentials, credentials, credentials_len);
	return request;
}

/**
 * toyvpn_request_free() - erases and frees a request
 * @request: in no table; or NULL
 */
void toyvpn_request_free(struct toyvpn_request *request)
{
	kfree_sensitive(request);
}

/**
 * toyvpn_requests_init() - makes an empty table
 * @requests: the table
 */
void toyvpn_requests_init(struct toyvpn_requests *requests)
{
	requests->count = 0;
	requests->next = 0;
	xa_init_flags(&requests->ids, XA_FLAGS_ALLOC);
	INIT_LIST_HEAD(&requests->by_age);
	hash_init(requests->by_key);
	get_random_bytes(&requests->key, sizeof(requests->key));
}

/**
 * toyvpn_requests_destroy() - frees a table and what is in it
 * @requests: the table
 */
void toyvpn_requests_destroy(struct toyvpn_requests *requests)
{
	toyvpn_requests_drop(requests);
	xa_destroy(&requests->ids);
}

static u64 key_hash(const struct toyvpn_requests *requests,
		    const u8 public_key[TOYVPN_NOISE_KEY_LEN])
{
	return siphash(public_key, TOYVPN_NOISE_KEY_LEN, &requests->key);
}

static struct toyvpn_request *find_key(struct toyvpn_requests *requests,
				       const u8 public_key[TOYVPN_NOISE_KEY_LEN])
{
	struct toyvpn_request *request;

	hash_for_each_possible(requests->by_key, request, by_key, key_hash(requests, public_key))
		if (!memcmp(request->public_key, public_key, TOYVPN_NOISE_KEY_LEN))
			return request;
	return NULL;
}

/* Its id is in the table of ids */
static void link(struct toyvpn_requests *requests, struct toyvpn_request *request)
{
	list_add_tail(&request->by_age, &requests->by_age);
	hash_add(requests->by_key, &request->by_key, key_hash(requests, request->public_key));
	WRITE_ONCE(requests->count, requests->count + 1);
}

static void unlink(struct toyvpn_requests *requests, struct toyvpn_request *request)
{
	list_del(&request->by_age);
	hash_del(&request->by_key);
	WRITE_ONCE(requests->count, requests->count - 1);
}

/**
 * toyvpn_requests_take() - takes a request out of the table
 * @requests: the table
 * @request: of toyvpn_requests_find(); the caller's afterwards
 */
void toyvpn_requests_take(struct toyvpn_requests *requests, struct toyvpn_request *request)
{
	unlink(requests, request);
	xa_erase(&requests->ids, request->id);
}

static void drop(struct toyvpn_requests *requests, struct toyvpn_request *request)
{
	toyvpn_requests_take(requests, request);
	toyvpn_request_free(request);
}

/* The same one again, later: it has the old one's place, but for its age */
static void renew(struct toyvpn_requests *requests, struct toyvpn_request *old,
		  struct toyvpn_request *request)
{
	request->id = old->id;
	request->told = old->told;
	/* Where something is, something else takes no memory */
	xa_store(&requests->ids, request->id, request, GFP_KERNEL);
	unlink(requests, old);
	toyvpn_request_free(old);
	link(requests, request);
}

/**
 * toyvpn_requests_add() - a stranger asks
 * @requests: the table
 * @request: filled but for the id; the table's afterwards
 * @now: ns of boot time
 *
 * Has an id afterwards, which is new unless the same stranger waits already
 * with the same credentials. Process context.
 *
 * Return: 0; 1 if it renewed the one that waited; -EALREADY if its timestamp is
 * no later than that one's, -ENOSPC if the table is full, or -ENOMEM: then the
 * request stays with the caller and what waited goes on waiting.
 */
int toyvpn_requests_add(struct toyvpn_requests *requests, struct toyvpn_request *request, u64 now)
{
	struct toyvpn_request *old;
	int err;

	toyvpn_requests_expire(requests, now);
	request->expires = now + TOYVPN_REQUEST_TIME;
	old = find_key(requests, request->public_key);
	if (old) {
		if (memcmp(request->timestamp, old->timestamp, sizeof(old->timestamp)) <= 0)
			return -EALREADY;
		if (request->credentials_len == old->credentials_len &&
		    !crypto_memneq(request->credentials, old->credentials,
				   old->credentials_len)) {
			renew(requests, old, request);
			return 1;
		}
	} else if (requests->count >= TOYVPN_REQUESTS_MAX) {
		return -ENOSPC;
	}
	err = xa_alloc_cyclic(&requests->ids, &request->id, request, IDS, &requests->next,
			      GFP_KERNEL);
	if (err < 0)
		return err;
	if (old)
		drop(requests, old);
	link(requests, request);
	return 0;
}

/**
 * toyvpn_requests_give_back() - undoes toyvpn_requests_take()
 * @requests: the table
 * @request: what was taken; the table's afterwards
 *
 * Process context.
 *
 * Return: 0; -EEXIST if the stranger has asked again meanwhile, -ENOSPC, or
 * -ENOMEM: then the request stays with the caller.
 */
int toyvpn_requests_give_back(struct toyvpn_requests *requests, struct toyvpn_request *request)
{
	struct toyvpn_request *next;
	int err;

	if (find_key(requests, request->public_key))
		return -EEXIST;
	if (requests->count >= TOYVPN_REQUESTS_MAX)
		return -ENOSPC;
	err = xa_insert(&requests->ids, request->id, request, GFP_KERNEL);
	if (err)
		return err;
	link(requests, request);
	/* It is the last one now; those that expire later come after it */
	list_for_each_entry(next, &requests->by_age, by_age) {
		if (next == request)
			break;
		if (next->expires >= request->expires) {
			list_move_tail(&request->by_age, &next->by_age);
			break;
		}
	}
	return 0;
}

/**
 * toyvpn_requests_find() - a request by its id
 * @requests: the table
 * @id: of toyvpn_requests_add()
 * @now: ns of boot time
 *
 * Return: the request, which stays in the table; or NULL.
 */
struct toyvpn_request *toyvpn_requests_find(struct toyvpn_requests *requests, u32 id, u64 now)
{
	toyvpn_requests_expire(requests, now);
	return xa_load(&requests->ids, id);
}

/**
 * toyvpn_requests_drop() - drops all requests
 * @requests: the table
 */
void toyvpn_requests_drop(struct toyvpn_requests *requests)
{
	struct toyvpn_request *request, *next;

	list_for_each_entry_safe(request, next, &requests->by_age, by_age)
		drop(requests, request);
}

/**
 * toyvpn_requests_expire() - drops the requests that are too old
 * @requests: the table
 * @now: ns of boot time
 *
 * Return: when the next one is, ns of boot time; 0 if there is none.
 */
u64 toyvpn_requests_expire(struct toyvpn_requests *requests, u64 now)
{
	struct toyvpn_request *request, *next;

	list_for_each_entry_safe(request, next, &requests->by_age, by_age) {
		if (request->expires > now)
			return request->expires;
		drop(requests, request);
	}
	return 0;
}

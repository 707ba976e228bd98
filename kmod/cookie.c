// SPDX-License-Identifier: GPL-2.0
/*
 * mac1, mac2 and the COOKIE message: section 2 of PROTOCOL.md. A message is
 * bytes here, the last 32 of which are its two macs.
 *
 * Time is boot time, as it goes on while the machine sleeps; the caller reads
 * the clock.
 */
#include <crypto/chacha20poly1305.h>
#include <linux/errno.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "compat.h"
#include "cookie.h"
#include "hash.h"

#define MACS_LEN		(2 * TOYVPN_MAC_LEN)
#define COOKIE_LIFE_NS		(120ULL * NSEC_PER_SEC)
#define PUBLIC_KEY_LEN		32

static_assert(TOYVPN_COOKIE_NONCE_LEN == XCHACHA20POLY1305_NONCE_SIZE);
static_assert(TOYVPN_COOKIE_LEN + CHACHA20POLY1305_AUTHTAG_SIZE == TOYVPN_COOKIE_SEALED_LEN);

static const char mac1_label[] = "toyvpn/1 mac1";
static const char cookie_label[] = "toyvpn/1 cookie";

/**
 * struct toyvpn_cookie_keys - what follows from our static public key
 * @mac1: the keyed transform that checks mac1
 * @cookie: the key that seals cookies
 */
struct toyvpn_cookie_keys {
	struct toyvpn_mac mac1;
	u8 cookie[TOYVPN_HASH_LEN];
};

static int derive(u8 key[TOYVPN_HASH_LEN], const char *label, const u8 public[PUBLIC_KEY_LEN])
{
	return toyvpn_sha256(key, label, strlen(label), public, PUBLIC_KEY_LEN);
}

/* Signed: another CPU may have been at it after the caller read its clock */
static bool alive(u64 birth, u64 now)
{
	return birth && (s64)(now - birth) < (s64)COOKIE_LIFE_NS;
}

/**
 * toyvpn_cookie_checker_init - initialise a checker that has no key yet
 * @checker: the checker
 *
 * Context: Process.
 */
void toyvpn_cookie_checker_init(struct toyvpn_cookie_checker *checker)
{
	memset(checker, 0, sizeof(*checker));
	spin_lock_init(&checker->lock);
}

static void keys_free(struct toyvpn_cookie_keys *keys)
{
	if (!keys)
		return;
	toyvpn_mac_destroy(&keys->mac1);
	kfree_sensitive(keys);
}

/**
 * toyvpn_cookie_checker_destroy - free what a checker holds and erase its secrets
 * @checker: the checker
 *
 * Context: Process, when nobody uses the checker or can start to.
 */
void toyvpn_cookie_checker_destroy(struct toyvpn_cookie_checker *checker)
{
	keys_free(rcu_replace_pointer(checker->keys, NULL, true));
	memzero_explicit(checker->secret, sizeof(checker->secret));
}

/**
 * toyvpn_cookie_checker_set_key - say which static public key is ours
 * @checker: the checker
 * @public: the key, or NULL for none: then no message is valid
 *
 * Context: Process, one caller at a time; waits for a grace period.
 * Return: 0 or a negative errno; then the key before still holds.
 */
int toyvpn_cookie_checker_set_key(struct toyvpn_cookie_checker *checker, const u8 *public)
{
	struct toyvpn_cookie_keys *keys = NULL;
	u8 key[TOYVPN_HASH_LEN];
	int ret;

	if (public) {
		keys = kmalloc_obj(*keys, GFP_KERNEL);
		if (!keys)
			return -ENOMEM;
		ret = derive(keys->cookie, cookie_label, public) ?:
		      derive(key, mac1_label, public) ?:
		      toyvpn_mac_init(&keys->mac1, key, sizeof(key));
		if (ret) {
			kfree_sensitive(keys);
			return ret;
		}
	}

	keys = rcu_replace_pointer(checker->keys, keys, true);
	if (keys) {
		synchronize_rcu();
		keys_free(keys);
	}
	return 0;
}

/* The cookie of a source, as of now */
static int make_cookie(struct toyvpn_cookie_checker *checker, u8 cookie[TOYVPN_HASH_LEN],
		       const void *addr, size_t addr_len, __be16 port, u64 now)
{
	u8 secret[TOYVPN_COOKIE_SECRET_LEN];
	int ret;

	spin_lock_bh(&checker->lock);
	if (!alive(checker->birth, now)) {
		get_random_bytes(checker->secret, sizeof(checker->secret));
		checker->birth = now;
	}
	memcpy(secret, checker->secret, sizeof(secret));
	spin_unlock_bh(&checker->lock);

	ret = toyvpn_hmac_sha256(cookie, secret, sizeof(secret), addr, addr_len,
				 &port, sizeof(port));
	memzero_explicit(secret, sizeof(secret));
	return ret;
}

/**
 * toyvpn_cookie_check - look at the two macs of a handshake message
 * @checker: the checker
 * @msg: the message, its macs included
 * @len: its bytes
 * @addr: where it came from: 4 or 16 bytes in network order
 * @addr_len: which of the two
 * @port: and the port
 * @want_mac2: look at mac2 too; who is not under load does not need to
 * @now: ns of boot time
 *
 * A right mac1 tells that the sender knows our public key, a right mac2 that it
 * reads what we send to its address. Neither authenticates it.
 *
 * Context: Process or softirq.
 * Return: what is right. Without @want_mac2, never
 * TOYVPN_COOKIE_MAC1_AND_MAC2.
 */
enum toyvpn_cookie_verdict
toyvpn_cookie_check(struct toyvpn_cookie_checker *checker, const u8 *msg, size_t len,
		    const void *addr, size_t addr_len, __be16 port, bool want_mac2,
		    u64 now)
{
	const struct toyvpn_cookie_keys *keys;
	u8 cookie[TOYVPN_HASH_LEN];
	u8 mac[TOYVPN_HASH_LEN];
	const u8 *mac1, *mac2;
	int ret = -ENOKEY;

	if (len < MACS_LEN)
		return TOYVPN_COOKIE_INVALID;
	mac1 = msg + len - MACS_LEN;
	mac2 = mac1 + TOYVPN_MAC_LEN;

	rcu_read_lock();
	keys = rcu_dereference(checker->keys);
	if (keys)
		ret = toyvpn_mac_digest(&keys->mac1, mac, msg, len - MACS_LEN);
	rcu_read_unlock();
	if (ret || crypto_memneq(mac, mac1, TOYVPN_MAC_LEN))
		return TOYVPN_COOKIE_INVALID;

	/* A flood mostly has no cookie: spend no digest on what says so */
	if (!want_mac2 || !memchr_inv(mac2, 0, TOYVPN_MAC_LEN))
		return TOYVPN_COOKIE_MAC1_ONLY;

	ret = make_cookie(checker, cookie, addr, addr_len, port, now) ?:
	      toyvpn_hmac_sha256(mac, cookie, TOYVPN_COOKIE_LEN,
				 msg, len - TOYVPN_MAC_LEN, NULL, 0);
	memzero_explicit(cookie, sizeof(cookie));
	if (ret || crypto_memneq(mac, mac2, TOYVPN_MAC_LEN))
		return TOYVPN_COOKIE_MAC1_ONLY;
	return TOYVPN_COOKIE_MAC1_AND_MAC2;
}

/**
 * toyvpn_cookie_make_reply - make the COOKIE that answers a message
 * @checker: the checker
 * @msg: a message that had a right mac1
 * @len: its bytes
 * @addr: where it came from: 4 or 16 bytes in network order
 * @addr_len: which of the two
 * @port: and the port
 * @now: ns of boot time
 * @nonce: where the nonce goes
 * @sealed: where the sealed cookie goes
 *
 * Context: Process or softirq.
 * Return: 0, -ENOKEY if our key is gone by now, or a negative errno of the
 * crypto API; then there is nothing to send.
 */
int toyvpn_cookie_make_reply(struct toyvpn_cookie_checker *checker, const u8 *msg, size_t len,
			     const void *addr, size_t addr_len, __be16 port, u64 now,
			     u8 nonce[TOYVPN_COOKIE_NONCE_LEN],
			     u8 sealed[TOYVPN_COOKIE_SEALED_LEN])
{
	const struct toyvpn_cookie_keys *keys;
	u8 cookie[TOYVPN_HASH_LEN];
	int ret;

	ret = make_cookie(checker, cookie, addr, addr_len, port, now);
	if (ret)
		return ret;

	get_random_bytes(nonce, TOYVPN_COOKIE_NONCE_LEN);
	rcu_read_lock();
	keys = rcu_dereference(checker->keys);
	if (keys)
		xchacha20poly1305_encrypt(sealed, cookie, TOYVPN_COOKIE_LEN,
					  msg + len - MACS_LEN, TOYVPN_MAC_LEN,
					  nonce, keys->cookie);
	else
		ret = -ENOKEY;
	rcu_read_unlock();
	memzero_explicit(cookie, sizeof(cookie));
	return ret;
}

/**
 * toyvpn_cookie_init - initialise a peer's side: no cookie, nothing sent
 * @cookie: the state; it holds nothing that must be freed
 *
 * Context: Process.
 */
void toyvpn_cookie_init(struct toyvpn_cookie *cookie)
{
	memset(cookie, 0, sizeof(*cookie));
	spin_lock_init(&cookie->lock);
}

/**
 * toyvpn_cookie_add_macs - fill in the two macs of a message that is to go out
 * @cookie: the state of the peer that it goes to
 * @public: that peer's static public key
 * @msg: the message, complete but for its macs
 * @len: its bytes, the macs included
 * @now: ns of boot time
 *
 * Context: Process or softirq.
 * Return: 0 or a negative errno of the crypto API; then the message must not
 * go out.
 */
int toyvpn_cookie_add_macs(struct toyvpn_cookie *cookie, const u8 public[PUBLIC_KEY_LEN],
			   u8 *msg, size_t len, u64 now)
{
	u8 *mac1 = msg + len - MACS_LEN, *mac2 = mac1 + TOYVPN_MAC_LEN;
	u8 key[TOYVPN_HASH_LEN], mac[TOYVPN_HASH_LEN];
	bool have_cookie;
	int ret;

	ret = derive(key, mac1_label, public) ?:
	      toyvpn_hmac_sha256(mac, key, sizeof(key), msg, len - MACS_LEN, NULL, 0);
	if (ret)
		return ret;
	memcpy(mac1, mac, TOYVPN_MAC_LEN);
	memset(mac2, 0, TOYVPN_MAC_LEN);

	spin_lock_bh(&cookie->lock);
	memcpy(cookie->mac1, mac1, sizeof(cookie->mac1));
	WRITE_ONCE(cookie->awaits, true);
	have_cookie = alive(cookie->birth, now);
	memcpy(key, cookie->cookie, sizeof(cookie->cookie));
	spin_unlock_bh(&cookie->lock);

	if (have_cookie) {
		ret = toyvpn_hmac_sha256(mac, key, TOYVPN_COOKIE_LEN,
					 msg, len - TOYVPN_MAC_LEN, NULL, 0);
		if (!ret)
			memcpy(mac2, mac, TOYVPN_MAC_LEN);
	}
	memzero_explicit(key, sizeof(key));
	return ret;
}

/**
 * toyvpn_cookie_consume - take the cookie out of a COOKIE message
 * @cookie: the state of the peer that it seems to be from
 * @public: that peer's static public key
 * @nonce: the nonce of the message
 * @sealed: its sealed cookie
 * @now: ns of boot time
 *
 * Valid is only what answers the mac1 that we sent last, and only once.
 *
 * Context: Process or softirq.
 * Return: 0, -ENOMSG if no message awaits an answer, -EBADMSG if this one does
 * not authenticate, or a negative errno of the crypto API; then all is as it
 * was.
 */
int toyvpn_cookie_consume(struct toyvpn_cookie *cookie, const u8 public[PUBLIC_KEY_LEN],
			  const u8 nonce[TOYVPN_COOKIE_NONCE_LEN],
			  const u8 sealed[TOYVPN_COOKIE_SEALED_LEN], u64 now)
{
	u8 key[TOYVPN_HASH_LEN], opened[TOYVPN_COOKIE_LEN];
	int ret;

	/* Most of what nobody asked for ends here, before it costs anything */
	if (!READ_ONCE(cookie->awaits))
		return -ENOMSG;
	ret = derive(key, cookie_label, public);
	if (ret)
		return ret;

	spin_lock_bh(&cookie->lock);
	if (!cookie->awaits) {
		ret = -ENOMSG;
	} else if (!xchacha20poly1305_decrypt(opened, sealed, TOYVPN_COOKIE_SEALED_LEN,
					      cookie->mac1, sizeof(cookie->mac1), nonce, key)) {
		ret = -EBADMSG;
	} else {
		memcpy(cookie->cookie, opened, sizeof(cookie->cookie));
		cookie->birth = now;
		WRITE_ONCE(cookie->awaits, false);
	}
	spin_unlock_bh(&cookie->lock);
	memzero_explicit(opened, sizeof(opened));
	return ret;
}

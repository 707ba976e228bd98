/* SPDX-License-Identifier: GPL-2.0 */
/* mac1, mac2 and the COOKIE message: section 2 of PROTOCOL.md */
#ifndef TOYVPN_COOKIE_H
#define TOYVPN_COOKIE_H

#include <linux/spinlock.h>
#include <linux/types.h>

#define TOYVPN_MAC_LEN			16
#define TOYVPN_COOKIE_LEN		16
#define TOYVPN_COOKIE_NONCE_LEN		24
#define TOYVPN_COOKIE_SEALED_LEN	(TOYVPN_COOKIE_LEN + 16)
#define TOYVPN_COOKIE_SECRET_LEN	32

struct toyvpn_cookie_keys;

/* What the two macs of a message say */
enum toyvpn_cookie_verdict {
	TOYVPN_COOKIE_INVALID,
	TOYVPN_COOKIE_MAC1_ONLY,
	TOYVPN_COOKIE_MAC1_AND_MAC2,
};

/**
 * struct toyvpn_cookie_checker - the side that checks macs and gives cookies
 * @keys: what follows from our static public key, NULL while there is none
 * @lock: guards @secret and @birth; taken with bottom halves off
 * @secret: the R of the protocol
 * @birth: when it was drawn, in ns of boot time; 0 before the first
 */
struct toyvpn_cookie_checker {
	struct toyvpn_cookie_keys __rcu *keys;
	spinlock_t lock;	/* guards what follows, bottom halves off */
	u8 secret[TOYVPN_COOKIE_SECRET_LEN];
	u64 birth;
};

/**
 * struct toyvpn_cookie - the side that sends macs and is given cookies: one a peer
 * @lock: guards the rest; taken with bottom halves off
 * @awaits: @mac1 was sent and no COOKIE answered it yet
 * @mac1: of the last message that went out
 * @cookie: the cookie that we were given last
 * @birth: when that was, in ns of boot time; 0: we have none
 */
struct toyvpn_cookie {
	spinlock_t lock;	/* guards what follows, bottom halves off */
	bool awaits;
	u8 mac1[TOYVPN_MAC_LEN];
	u8 cookie[TOYVPN_COOKIE_LEN];
	u64 birth;
};

void toyvpn_cookie_checker_init(struct toyvpn_cookie_checker *checker);
void toyvpn_cookie_checker_destroy(struct toyvpn_cookie_checker *checker);
int toyvpn_cookie_checker_set_key(struct toyvpn_cookie_checker *checker, const u8 *public);
enum toyvpn_cookie_verdict
toyvpn_cookie_check(struct toyvpn_cookie_checker *checker, const u8 *msg, size_t len,
		    const void *addr, size_t addr_len, __be16 port, bool want_mac2,
		    u64 now);
int toyvpn_cookie_make_reply(struct toyvpn_cookie_checker *checker, const u8 *msg, size_t len,
			     const void *addr, size_t addr_len, __be16 port, u64 now,
			     u8 nonce[TOYVPN_COOKIE_NONCE_LEN],
			     u8 sealed[TOYVPN_COOKIE_SEALED_LEN]);

void toyvpn_cookie_init(struct toyvpn_cookie *cookie);
int toyvpn_cookie_add_macs(struct toyvpn_cookie *cookie, const u8 public[32],
			   u8 *msg, size_t len, u64 now);
int toyvpn_cookie_consume(struct toyvpn_cookie *cookie, const u8 public[32],
			  const u8 nonce[TOYVPN_COOKIE_NONCE_LEN],
			  const u8 sealed[TOYVPN_COOKIE_SEALED_LEN], u64 now);

#endif /* TOYVPN_COOKIE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* SHA-256, HMAC-SHA256 and HKDF of the kernel's crypto API */
#ifndef TOYVPN_HASH_H
#define TOYVPN_HASH_H

#include <linux/types.h>

#define TOYVPN_HASH_LEN	32

struct crypto_shash;

/**
 * struct toyvpn_mac - HMAC-SHA256 with a key that stays
 * @tfm: the keyed transform; digests with it do not change it
 */
struct toyvpn_mac {
	struct crypto_shash *tfm;
};

int toyvpn_hash_init(void);
void toyvpn_hash_exit(void);

int __must_check toyvpn_sha256(u8 out[TOYVPN_HASH_LEN],
			       const void *a, size_t a_len,
			       const void *b, size_t b_len);
int __must_check toyvpn_hmac_sha256(u8 out[TOYVPN_HASH_LEN],
				    const void *key, size_t key_len,
				    const void *a, size_t a_len,
				    const void *b, size_t b_len);
int __must_check toyvpn_hkdf(u8 *const *out, unsigned int outs,
			     const u8 ck[TOYVPN_HASH_LEN],
			     const void *ikm, size_t ikm_len);

int toyvpn_mac_init(struct toyvpn_mac *mac, const void *key, size_t key_len);
void toyvpn_mac_destroy(struct toyvpn_mac *mac);
int __must_check toyvpn_mac_digest(const struct toyvpn_mac *mac,
				   u8 out[TOYVPN_HASH_LEN],
				   const void *data, size_t len);

#endif /* TOYVPN_HASH_H */

// SPDX-License-Identifier: GPL-2.0
/*
 * SHA-256, HMAC-SHA256 and HKDF of the kernel's crypto API.
 *
 * SHA-256 has no key: one transform serves everybody, each with a descriptor
 * on its own stack. HMAC takes its key with setkey, which changes the
 * transform: there is one a CPU, used with bottom halves off, so process and
 * softirq context may both call, and given a key of zeros afterwards, so that
 * no secret stays behind. A key that many messages share has a transform of
 * its own, struct toyvpn_mac.
 */
#include <crypto/hash.h>
#include <linux/err.h>
#include <linux/local_lock.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include "hash.h"

struct toyvpn_hmac {
	local_lock_t lock;	/* for PREEMPT_RT: there bottom halves off excludes nobody */
	struct crypto_shash *tfm;
};

static DEFINE_PER_CPU(struct toyvpn_hmac, hmacs) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

static struct crypto_shash *sha256;

static const u8 no_key[TOYVPN_HASH_LEN];

/* The digest of a || b with a transform that is ready */
static int digest(struct crypto_shash *tfm, u8 out[TOYVPN_HASH_LEN],
		  const void *a, size_t a_len, const void *b, size_t b_len)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	int ret;

	desc->tfm = tfm;
	ret = crypto_shash_init(desc) ?:
	      crypto_shash_update(desc, a, a_len) ?:
	      crypto_shash_finup(desc, b, b_len, out);
	shash_desc_zero(desc);
	return ret;
}

static struct crypto_shash *hmac_get(void)
{
	local_bh_disable();
	local_lock(&hmacs.lock);
	return this_cpu_read(hmacs.tfm);
}

static int hmac_put(struct crypto_shash *tfm)
{
	int ret;

	ret = crypto_shash_setkey(tfm, no_key, sizeof(no_key));
	local_unlock(&hmacs.lock);
	local_bh_enable();
	return ret;
}

/**
 * toyvpn_hash_init - get the transforms
 *
 * Context: Module load; sleeps.
 * Return: 0 or a negative errno of the crypto API; then nothing is held.
 */
int toyvpn_hash_init(void)
{
	struct crypto_shash *tfm;
	int cpu;

	sha256 = crypto_alloc_shash("sha256", 0, 0);
	if (IS_ERR(sha256))
		return PTR_ERR(sha256);

	for_each_possible_cpu(cpu) {
		tfm = crypto_alloc_shash("hmac(sha256)", 0, 0);
		if (IS_ERR(tfm)) {
			toyvpn_hash_exit();
			return PTR_ERR(tfm);
		}
		per_cpu(hmacs.tfm, cpu) = tfm;
	}
	return 0;
}

/**
 * toyvpn_hash_exit - free the transforms
 *
 * Context: Module unload, after the last caller of any function here; sleeps.
 */
void toyvpn_hash_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		crypto_free_shash(per_cpu(hmacs.tfm, cpu));
		per_cpu(hmacs.tfm, cpu) = NULL;
	}
	crypto_free_shash(sha256);
}

/**
 * toyvpn_sha256 - SHA-256 of two parts, one after the other
 * @out: the digest; may be @a
 * @a: first part
 * @a_len: its bytes
 * @b: second part, may be NULL
 * @b_len: its bytes
 *
 * Context: Process or softirq.
 * Return: 0, or what the transform failed with (an offload may; software does
 * not); then @out must not be used.
 */
int toyvpn_sha256(u8 out[TOYVPN_HASH_LEN], const void *a, size_t a_len,
		  const void *b, size_t b_len)
{
	return digest(sha256, out, a, a_len, b, b_len);
}

/**
 * toyvpn_hmac_sha256 - HMAC-SHA256 (RFC 2104) of two parts, one after the other
 * @out: the digest; may be @key or @a
 * @key: the key
 * @key_len: its bytes, more than 0
 * @a: first part
 * @a_len: its bytes
 * @b: second part, may be NULL
 * @b_len: its bytes
 *
 * Context: Process or softirq.
 * Return: 0, or what the transform failed with; then @out must not be used.
 */
int toyvpn_hmac_sha256(u8 out[TOYVPN_HASH_LEN], const void *key, size_t key_len,
		       const void *a, size_t a_len, const void *b, size_t b_len)
{
	struct crypto_shash *tfm = hmac_get();
	int ret, put;

	ret = crypto_shash_setkey(tfm, key, key_len) ?:
	      digest(tfm, out, a, a_len, b, b_len);
	put = hmac_put(tfm);
	return ret ?: put;
}

/**
 * toyvpn_hkdf - the HKDF of Noise, with one to three outputs
 * @out: where the outputs go; may be the chaining key or the input
 * @outs: their number
 * @ck: the chaining key
 * @ikm: input key material
 * @ikm_len: its bytes, 0 allowed
 *
 * Section 4.3 of the Noise specification: RFC 5869 with @ck as salt and an
 * empty info.
 *
 * Context: Process or softirq.
 * Return: 0, or what the transform failed with; then no output must be used.
 */
int toyvpn_hkdf(u8 *const *out, unsigned int outs, const u8 ck[TOYVPN_HASH_LEN],
		const void *ikm, size_t ikm_len)
{
	u8 block[TOYVPN_HASH_LEN], temp_key[TOYVPN_HASH_LEN];
	struct crypto_shash *tfm = hmac_get();
	size_t block_len = 0;
	int ret, put;
	u8 i;

	ret = crypto_shash_setkey(tfm, ck, TOYVPN_HASH_LEN) ?:
	      digest(tfm, temp_key, ikm, ikm_len, NULL, 0) ?:
	      crypto_shash_setkey(tfm, temp_key, sizeof(temp_key));
	for (i = 1; !ret && i <= outs; i++) {
		ret = digest(tfm, block, block, block_len, &i, 1);
		block_len = sizeof(block);
		memcpy(out[i - 1], block, sizeof(block));
	}
	put = hmac_put(tfm);

	memzero_explicit(block, sizeof(block));
	memzero_explicit(temp_key, sizeof(temp_key));
	return ret ?: put;
}

/**
 * toyvpn_mac_init - make a transform for a key that stays
 * @mac: to be initialised
 * @key: the key
 * @key_len: its bytes, more than 0
 *
 * Context: Process; sleeps.
 * Return: 0, or a negative errno of the crypto API; then there is nothing to
 * destroy.
 */
int toyvpn_mac_init(struct toyvpn_mac *mac, const void *key, size_t key_len)
{
	int ret;

	mac->tfm = crypto_alloc_shash("hmac(sha256)", 0, 0);
	if (IS_ERR(mac->tfm))
		return PTR_ERR(mac->tfm);

	ret = crypto_shash_setkey(mac->tfm, key, key_len);
	if (ret)
		crypto_free_shash(mac->tfm);
	return ret;
}

/**
 * toyvpn_mac_destroy - free a transform with its key
 * @mac: what toyvpn_mac_init() made
 *
 * Context: Process, when no toyvpn_mac_digest() runs or can start.
 */
void toyvpn_mac_destroy(struct toyvpn_mac *mac)
{
	crypto_free_shash(mac->tfm);
}

/**
 * toyvpn_mac_digest - HMAC-SHA256 with a key that stays
 * @mac: what toyvpn_mac_init() made
 * @out: the digest
 * @data: the message
 * @len: its bytes
 *
 * Context: Process or softirq, on any number of CPUs at a time; takes no lock.
 * Return: 0, or what the transform failed with; then @out must not be used.
 */
int toyvpn_mac_digest(const struct toyvpn_mac *mac, u8 out[TOYVPN_HASH_LEN],
		      const void *data, size_t len)
{
	return digest(mac->tfm, out, data, len, NULL, 0);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* Noise_IKpsk2_25519_ChaChaPoly_SHA256 with the prologue "toyvpn/1" */
#ifndef TOYVPN_NOISE_H
#define TOYVPN_NOISE_H

#include <linux/types.h>

#define TOYVPN_NOISE_KEY_LEN	32
#define TOYVPN_NOISE_HASH_LEN	32
#define TOYVPN_NOISE_TAG_LEN	16

/**
 * struct toyvpn_noise_static - a static key pair
 * @private: clamped
 * @public: what the others know us by
 */
struct toyvpn_noise_static {
	u8 private[TOYVPN_NOISE_KEY_LEN];
	u8 public[TOYVPN_NOISE_KEY_LEN];
};

/**
 * struct toyvpn_noise - the HandshakeState of one handshake
 * @ck: chaining key
 * @h: handshake hash; after RESP it names the session (channel binding)
 * @k: the key of the next EncryptAndHash() or DecryptAndHash()
 * @n: its nonce
 * @e: our ephemeral private key, between INIT and RESP
 * @re: the initiator's ephemeral public key, at the responder
 */
struct toyvpn_noise {
	u8 ck[TOYVPN_NOISE_HASH_LEN];
	u8 h[TOYVPN_NOISE_HASH_LEN];
	u8 k[TOYVPN_NOISE_KEY_LEN];
	u64 n;
	u8 e[TOYVPN_NOISE_KEY_LEN];
	u8 re[TOYVPN_NOISE_KEY_LEN];
};

int toyvpn_noise_init(void);

int toyvpn_noise_set_static(struct toyvpn_noise_static *s,
			    const u8 private[TOYVPN_NOISE_KEY_LEN]);
int toyvpn_noise_dh(u8 out[TOYVPN_NOISE_KEY_LEN],
		    const u8 private[TOYVPN_NOISE_KEY_LEN],
		    const u8 public[TOYVPN_NOISE_KEY_LEN]);

int toyvpn_noise_write_init(struct toyvpn_noise *state,
			    const struct toyvpn_noise_static *s,
			    const u8 rs[TOYVPN_NOISE_KEY_LEN],
			    const u8 ss[TOYVPN_NOISE_KEY_LEN],
			    const u8 *e_private,
			    u8 e[TOYVPN_NOISE_KEY_LEN],
			    u8 s_enc[TOYVPN_NOISE_KEY_LEN + TOYVPN_NOISE_TAG_LEN],
			    const u8 *payload, size_t payload_len,
			    u8 *payload_enc);
int toyvpn_noise_read_init_static(struct toyvpn_noise *state,
				  const struct toyvpn_noise_static *s,
				  const u8 e[TOYVPN_NOISE_KEY_LEN],
				  const u8 s_enc[TOYVPN_NOISE_KEY_LEN + TOYVPN_NOISE_TAG_LEN],
				  u8 rs[TOYVPN_NOISE_KEY_LEN]);
int toyvpn_noise_read_init_payload(struct toyvpn_noise *state,
				   const u8 ss[TOYVPN_NOISE_KEY_LEN],
				   const u8 *payload_enc, size_t payload_enc_len,
				   u8 *payload);
int toyvpn_noise_write_resp(struct toyvpn_noise *state,
			    const u8 rs[TOYVPN_NOISE_KEY_LEN],
			    const u8 psk[TOYVPN_NOISE_KEY_LEN],
			    const u8 *e_private,
			    u8 e[TOYVPN_NOISE_KEY_LEN],
			    const u8 *payload, size_t payload_len,
			    u8 *payload_enc);
int toyvpn_noise_read_resp(struct toyvpn_noise *state,
			   const struct toyvpn_noise_static *s,
			   const u8 psk[TOYVPN_NOISE_KEY_LEN],
			   const u8 e[TOYVPN_NOISE_KEY_LEN],
			   const u8 *payload_enc, size_t payload_enc_len,
			   u8 *payload);
int toyvpn_noise_split(struct toyvpn_noise *state,
		       u8 k1[TOYVPN_NOISE_KEY_LEN],
		       u8 k2[TOYVPN_NOISE_KEY_LEN]);
void toyvpn_noise_wipe(struct toyvpn_noise *state);

#endif /* TOYVPN_NOISE_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes that user space has carried: configuration, credentials. Not read here */
#ifndef TOYVPN_BLOB_H
#define TOYVPN_BLOB_H

#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>

/**
 * struct toyvpn_blob - some bytes; NULL stands for none
 * @len: how many, 1 or more
 * @bytes: they
 */
struct toyvpn_blob {
	u16 len;
	u8 bytes[];
};

/**
 * toyvpn_blob_new() - a copy of bytes
 * @blob: where it goes, NULL for none; toyvpn_blob_free() ends it
 * @bytes: they
 * @len: how many, at most U16_MAX
 *
 * Process context.
 *
 * Return: 0 or -ENOMEM.
 */
static inline int toyvpn_blob_new(struct toyvpn_blob **blob, const void *bytes, size_t len)
{
	*blob = NULL;
	if (!len)
		return 0;
	*blob = kmalloc(struct_size(*blob, bytes, len), GFP_KERNEL_ACCOUNT);
	if (!*blob)
		return -ENOMEM;
	(*blob)->len = len;
	memcpy((*blob)->bytes, bytes, len);
	return 0;
}

/**
 * toyvpn_blob_free() - erases and frees a blob
 * @blob: may be NULL
 */
static inline void toyvpn_blob_free(struct toyvpn_blob *blob)
{
	kfree_sensitive(blob);
}

/**
 * toyvpn_blob_is() - whether a blob holds just these bytes
 * @blob: may be NULL
 * @bytes: they
 * @len: how many
 *
 * Return: whether it does.
 */
static inline bool toyvpn_blob_is(const struct toyvpn_blob *blob, const void *bytes, size_t len)
{
	return (blob ? blob->len : 0) == len && (!len || !memcmp(blob->bytes, bytes, len));
}

#endif /* TOYVPN_BLOB_H */

/* SPDX-License-Identifier: GPL-2.0 */
/* Who may log in: a file of names and Argon2id hashes. */
#ifndef USERS_H
#define USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>

#define USERS_DEFAULT	"/etc/toyvpn/users"
#define USER_NAME_MAX	64
#define USER_PROOF_LEN	16

/**
 * struct user - who may log in
 * @name: the login
 * @hash: of the password, as crypto_pwhash_str() makes it
 */
struct user {
	char name[USER_NAME_MAX + 1];
	char hash[crypto_pwhash_STRBYTES];
};

/**
 * struct users - all who may log in
 * @list: sorted by name
 * @n: how many
 */
struct users {
	struct user *list;
	size_t n;
};

bool user_name_is_good(const char *name);
bool user_hash(char hash[static crypto_pwhash_STRBYTES], const char *password);
void user_proof(uint8_t proof[static USER_PROOF_LEN], const struct user *user);
bool user_verify(const struct user *user, const char *password);

bool users_load(struct users *users, const char *path);
const struct user *users_find(const struct users *users, const char *name);
void users_free(struct users *users);

bool users_need(const char *path, const char *name, bool wanted);
bool users_add(const char *path, const struct user *user);
bool users_replace(const char *path, const struct user *user);
bool users_remove(const char *path, const char *name);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Verifies passwords, which takes long by intention, on all processors at once. */
#ifndef VERIFIER_H
#define VERIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "authorizer.h"
#include "password.h"
#include "users.h"

/**
 * struct login - a stranger's name and password
 * @next: of a list
 * @request: what the kernel told, without the credentials
 * @user: the user that it says it is; a name alone if there is no such
 * @known: whether there is
 * @password: wiped when it has been verified
 * @came: when, ms of CLOCK_BOOTTIME; set by verifier_submit()
 * @late: nobody waits for an answer any more: it has not been looked at
 * @good: whether it is the user's password
 */
struct login {
	struct login *next;
	struct request request;
	struct user user;
	bool known;
	char password[PASSWORD_SIZE];
	uint64_t came;
	bool late;
	bool good;
};

struct verifier *verifier_open(void);
void verifier_close(struct verifier *verifier);
int verifier_fd(const struct verifier *verifier);
bool verifier_renew(struct verifier *verifier, uint32_t request_id);
void verifier_submit(struct verifier *verifier, struct login *login);
struct login *verifier_take(struct verifier *verifier);

#endif

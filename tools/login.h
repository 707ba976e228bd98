/* SPDX-License-Identifier: GPL-2.0 */
/* What a client logs in to its server with, as the client gives it and as the server reads it. */
#ifndef LOGIN_H
#define LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "password.h"
#include "users.h"

struct quick;

bool login_read(char name[static USER_NAME_MAX + 1], char password[static PASSWORD_SIZE],
		const char *bytes, size_t len);
bool login_prepare(struct quick *quick, bool may_ask);

#endif

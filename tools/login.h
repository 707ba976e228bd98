/* SPDX-License-Identifier: GPL-2.0 */
/* What a client logs in to its server with. */
#ifndef LOGIN_H
#define LOGIN_H

#include <stdbool.h>

struct quick;

bool login_prepare(struct quick *quick, bool may_ask);

#endif

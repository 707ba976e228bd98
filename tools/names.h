/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's numbers as words: ciphers, states, reasons. */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

#include <linux/toyvpn.h>

const char *cipher_name(uint32_t cipher);
uint8_t cipher_from_name(const char *name);
const char *event_name(uint32_t event);
const char *state_name(uint32_t state);
const char *reason_name(uint32_t reason);
const char *reason_advice(uint32_t reason);

#endif

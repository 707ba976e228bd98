/* SPDX-License-Identifier: GPL-2.0 */
/* Text for people: colours, times, sizes. */
#ifndef TERM_H
#define TERM_H

#include <stdint.h>

#define TERM_RESET	"\033[0m"
#define TERM_BOLD	"\033[1m"
#define TERM_RED	"\033[31m"
#define TERM_GREEN	"\033[32m"
#define TERM_YELLOW	"\033[33m"
#define TERM_CYAN	"\033[36m"

const char *term(const char *code);
void print_ago(uint64_t when);
void print_bytes(uint64_t bytes);

#endif
